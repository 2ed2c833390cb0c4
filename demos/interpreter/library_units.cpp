// Units: each conversion and the way back.

#include <array>

#include "library.h"

namespace tombo {

namespace {

constexpr std::array kAngles = std::to_array<Entry>({
    {"degrees_to_radians", Conversion{0.0174532925199433}},
    {"radians_to_degrees", Conversion{57.2957795130824}},
    {"turns_to_radians", Conversion{6.28318530717958}},
    {"radians_to_turns", Conversion{0.159154943091896}},
    {"turns_to_degrees", Conversion{360}},
    {"degrees_to_turns", Conversion{0.00277777777777778}},
    {"degrees_to_gradians", Conversion{1.11111111111111}},
    {"gradians_to_degrees", Conversion{0.9}},
    {"degrees_to_arc_minutes", Conversion{60}},
    {"arc_minutes_to_degrees", Conversion{0.0166666666666667}},
});

constexpr std::array kLengths = std::to_array<Entry>({
    {"meters_to_feet", Conversion{3.28083989501312}},
    {"feet_to_meters", Conversion{0.3048}},
    {"meters_to_yards", Conversion{1.09361329833771}},
    {"yards_to_meters", Conversion{0.9144}},
    {"inches_to_centimeters", Conversion{2.54}},
    {"centimeters_to_inches", Conversion{0.393700787401575}},
    {"miles_to_kilometers", Conversion{1.609344}},
    {"kilometers_to_miles", Conversion{0.621371192237334}},
    {"nautical_miles_to_kilometers", Conversion{1.852}},
    {"kilometers_to_nautical_miles", Conversion{0.539956803455723}},
});

constexpr std::array kMasses = std::to_array<Entry>({
    {"kilograms_to_pounds", Conversion{2.20462262184878}},
    {"pounds_to_kilograms", Conversion{0.45359237}},
    {"ounces_to_grams", Conversion{28.349523125}},
    {"grams_to_ounces", Conversion{0.0352739619495804}},
    {"tonnes_to_kilograms", Conversion{1000}},
    {"kilograms_to_tonnes", Conversion{0.001}},
    {"stones_to_kilograms", Conversion{6.35029318}},
    {"kilograms_to_stones", Conversion{0.15747304441777}},
});

constexpr std::array kAreas = std::to_array<Entry>({
    {"square_meters_to_square_feet", Conversion{10.7639104167}},
    {"square_feet_to_square_meters", Conversion{0.0929030400000839}},
    {"hectares_to_acres", Conversion{2.47105381467}},
    {"acres_to_hectares", Conversion{0.404685642240271}},
    {"square_miles_to_square_kilometers", Conversion{2.589988110336}},
    {"square_kilometers_to_square_miles", Conversion{0.386102158542446}},
    {"hectares_to_square_meters", Conversion{10000}},
    {"square_meters_to_hectares", Conversion{0.0001}},
});

constexpr std::array kVolumes = std::to_array<Entry>({
    {"liters_to_gallons", Conversion{0.264172052358148}},
    {"gallons_to_liters", Conversion{3.785411784}},
    {"liters_to_pints", Conversion{2.11337641886519}},
    {"pints_to_liters", Conversion{0.473176473}},
    {"cubic_meters_to_liters", Conversion{1000}},
    {"liters_to_cubic_meters", Conversion{0.001}},
    {"cups_to_milliliters", Conversion{236.5882365}},
    {"milliliters_to_cups", Conversion{0.00422675283773037}},
});

constexpr std::array kSpeeds = std::to_array<Entry>({
    {"kilometers_per_hour_to_miles_per_hour", Conversion{0.621371192237334}},
    {"miles_per_hour_to_kilometers_per_hour", Conversion{1.609344}},
    {"meters_per_second_to_kilometers_per_hour", Conversion{3.6}},
    {"kilometers_per_hour_to_meters_per_second", Conversion{0.277777777777778}},
    {"knots_to_kilometers_per_hour", Conversion{1.852}},
    {"kilometers_per_hour_to_knots", Conversion{0.539956803455723}},
    {"meters_per_second_to_feet_per_second", Conversion{3.28083989501312}},
    {"feet_per_second_to_meters_per_second", Conversion{0.3048}},
});

constexpr std::array kTemperatures = std::to_array<Entry>({
    {"celsius_to_fahrenheit", Conversion{1.8, 32}},
    {"fahrenheit_to_celsius", Conversion{0.555555555555556, -17.7777777777778}},
    {"celsius_to_kelvin", Conversion{1, 273.15}},
    {"kelvin_to_celsius", Conversion{1, -273.15}},
    {"fahrenheit_to_kelvin", Conversion{0.555555555555556, 255.372222222222}},
    {"kelvin_to_fahrenheit", Conversion{1.8, -459.67}},
});

constexpr std::array kPressures = std::to_array<Entry>({
    {"pascals_to_bars", Conversion{1e-05}},
    {"bars_to_pascals", Conversion{100000}},
    {"bars_to_atmospheres", Conversion{0.986923266716013}},
    {"atmospheres_to_bars", Conversion{1.01325}},
    {"bars_to_pounds_per_square_inch", Conversion{14.503773773}},
    {"pounds_per_square_inch_to_bars", Conversion{0.0689475729317831}},
    {"atmospheres_to_torrs", Conversion{760}},
    {"torrs_to_atmospheres", Conversion{0.00131578947368421}},
});

constexpr std::array kEnergies = std::to_array<Entry>({
    {"joules_to_calories", Conversion{0.239005736137667}},
    {"calories_to_joules", Conversion{4.184}},
    {"kilowatt_hours_to_joules", Conversion{3600000}},
    {"joules_to_kilowatt_hours", Conversion{2.77777777777778e-07}},
    {"joules_to_electron_volts", Conversion{6.24150907446076e+18}},
    {"electron_volts_to_joules", Conversion{1.602176634e-19}},
    {"kilowatt_hours_to_british_thermal_units", Conversion{3412.14163312794}},
    {"british_thermal_units_to_kilowatt_hours", Conversion{0.000293071070172222}},
});

constexpr std::array kPowers = std::to_array<Entry>({
    {"kilowatts_to_horsepower", Conversion{1.34102208959503}},
    {"horsepower_to_kilowatts", Conversion{0.745699871582269}},
    {"watts_to_kilowatts", Conversion{0.001}},
    {"kilowatts_to_watts", Conversion{1000}},
    {"kilowatts_to_calories_per_second", Conversion{239.005736}},
    {"calories_per_second_to_kilowatts", Conversion{0.00418400000240998}},
});

constexpr std::array kDataSizes = std::to_array<Entry>({
    {"bytes_to_bits", Conversion{8}},
    {"bits_to_bytes", Conversion{0.125}},
    {"kibibytes_to_bytes", Conversion{1024}},
    {"bytes_to_kibibytes", Conversion{0.0009765625}},
    {"mebibytes_to_kibibytes", Conversion{1024}},
    {"kibibytes_to_mebibytes", Conversion{0.0009765625}},
    {"gibibytes_to_mebibytes", Conversion{1024}},
    {"mebibytes_to_gibibytes", Conversion{0.0009765625}},
    {"megabytes_to_mebibytes", Conversion{0.95367431640625}},
    {"mebibytes_to_megabytes", Conversion{1.048576}},
});

constexpr std::array kTimes = std::to_array<Entry>({
    {"minutes_to_seconds", Conversion{60}},
    {"seconds_to_minutes", Conversion{0.0166666666666667}},
    {"hours_to_minutes", Conversion{60}},
    {"minutes_to_hours", Conversion{0.0166666666666667}},
    {"days_to_hours", Conversion{24}},
    {"hours_to_days", Conversion{0.0416666666666667}},
    {"weeks_to_days", Conversion{7}},
    {"days_to_weeks", Conversion{0.142857142857143}},
    {"years_to_days", Conversion{365.2425}},
    {"days_to_years", Conversion{0.00273790700698851}},
});

constexpr std::array kForces = std::to_array<Entry>({
    {"newtons_to_pounds_force", Conversion{0.224808943099711}},
    {"pounds_force_to_newtons", Conversion{4.4482216152605}},
    {"newtons_to_dynes", Conversion{100000}},
    {"dynes_to_newtons", Conversion{1e-05}},
});

constexpr std::array kLibraries = std::to_array<LibraryEntries>({
    {"angles", kAngles},
    {"lengths", kLengths},
    {"masses", kMasses},
    {"areas", kAreas},
    {"volumes", kVolumes},
    {"speeds", kSpeeds},
    {"temperatures", kTemperatures},
    {"pressures", kPressures},
    {"energies", kEnergies},
    {"powers", kPowers},
    {"data_sizes", kDataSizes},
    {"times", kTimes},
    {"forces", kForces},
});

}  // namespace

std::span<const LibraryEntries> unit_libraries() { return kLibraries; }

}  // namespace tombo
