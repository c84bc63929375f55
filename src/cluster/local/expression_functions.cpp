// The functions of `{{=...}}`: expr-lang's own, Argo's, and the commoner ones of sprig.
#include <algorithm>
#include <boost/regex.hpp>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <unordered_map>

#include "cluster/local/expression_tree.h"

namespace logstone::local {

namespace {

using Arguments = std::vector<Value>;
using Function = std::function<Result<Value>(const Arguments&)>;

constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;

struct Entry {
  std::size_t least;
  std::size_t most;
  Function run;
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}
std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string trimmed(const std::string& text, const char* characters) {
  const std::size_t begin = text.find_first_not_of(characters);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(characters) - begin + 1);
}

Result<std::string> replaced(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string out;
  std::size_t at = 0;
  for (std::size_t hit; (hit = text.find(from, at)) != std::string::npos; at = hit + from.size()) {
    out.append(text, at, hit - at);
    out += to;
    if (out.size() > kMaxTextBytes) return expression_error("the text grows beyond 16 MiB");
  }
  return out + text.substr(at);
}

Result<Value> split(const std::string& text, const std::string& separator) {
  Value out = Value::array();
  if (separator.empty()) {
    for (const char c : text) out.push_back(std::string(1, c));
    return out;
  }
  std::size_t at = 0;
  for (std::size_t hit; (hit = text.find(separator, at)) != std::string::npos; at = hit + separator.size()) {
    out.push_back(text.substr(at, hit - at));
  }
  out.push_back(text.substr(at));
  return out;
}

Result<Value> join(const Value& list, const std::string& separator) {
  if (!list.is_array()) return expression_error("join needs a list");
  std::string out;
  bool first = true;
  for (const Value& item : list) {
    if (!first) out += separator;
    first = false;
    out += text_of(item);
    if (out.size() > kMaxTextBytes) return expression_error("the text grows beyond 16 MiB");
  }
  return Value(out);
}

Result<Value> repeat(const std::string& text, const Value& times) {
  if (!times.is_number_integer() || times.get<std::int64_t>() < 0) return expression_error("repeat needs a count");
  const auto count = static_cast<std::size_t>(times.get<std::int64_t>());
  if (count != 0 && text.size() > kMaxTextBytes / count) return expression_error("the text grows beyond 16 MiB");
  std::string out;
  if (!text.empty()) {
    for (std::size_t i = 0; i < count; ++i) out += text;
  }
  return Value(out);
}

Result<Value> as_integer(const Value& value) {
  if (value.is_number_integer()) return value;
  if (value.is_boolean()) return Value(value.get<bool>() ? 1 : 0);
  if (value.is_number_float()) {
    const double real = value.get<double>();
    if (!(std::abs(real) < 9e18)) return expression_error("the number is too large");
    return Value(static_cast<std::int64_t>(real));
  }
  const std::string text = trimmed(text_of(value), " \t\r\n");
  std::int64_t out = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(begin, end, out);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return expression_error("\"" + text.substr(0, 100) + "\" is not a whole number");
  }
  return Value(out);
}

Result<Value> as_float(const Value& value) {
  if (value.is_number()) return Value(value.get<double>());
  const std::string text = trimmed(text_of(value), " \t\r\n");
  double out = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return expression_error("\"" + text.substr(0, 100) + "\" is not a number");
  }
  return Value(out);
}

bool is_empty(const Value& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();
}

Result<Value> rounded(const Value& value, double (*round)(double)) {
  LOGSTONE_ASSIGN(const Value number, as_float(value));
  return Value(round(number.get<double>()));
}

/// The smallest or largest, whether given one by one or as one list.
Result<Value> extreme(const Arguments& given, bool largest) {
  const Arguments items = given.size() == 1 && given[0].is_array() ? given[0].get<Arguments>() : given;
  std::optional<Value> best;
  for (const Value& item : items) {
    if (!item.is_number()) return expression_error("min and max need numbers");
    if (!best || (largest ? *best < item : item < *best)) best = item;
  }
  return best ? *best : Value(nullptr);
}

/// sprig's whole-number arithmetic.
Result<Value> whole_arithmetic(char op, const Arguments& given) {
  std::int64_t out = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    LOGSTONE_ASSIGN(const Value value, as_integer(given[i]));
    const std::int64_t number = value.get<std::int64_t>();
    bool overflow = false;
    if (i == 0) {
      out = number;
    } else if (op == '+') {
      overflow = __builtin_add_overflow(out, number, &out);
    } else if (op == '-') {
      overflow = __builtin_sub_overflow(out, number, &out);
    } else if (op == '*') {
      overflow = __builtin_mul_overflow(out, number, &out);
    } else {
      if (number == 0) return expression_error("division by zero");
      if (number == -1) {
        overflow = op == '/' && __builtin_sub_overflow(std::int64_t{0}, out, &out);
        if (op == '%') out = 0;
      } else {
        out = op == '/' ? out / number : out % number;
      }
    }
    if (overflow) return expression_error("the number is too large");
  }
  return Value(out);
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? kBase64[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

Result<Value> from_base64(const std::string& text) {
  std::string out;
  unsigned group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=' || c == '\n' || c == '\r') continue;
    const std::size_t digit = kBase64.find(c);
    if (digit == std::string_view::npos) return expression_error("the text is not base64");
    group = (group << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xff);
    }
  }
  return Value(out);
}

/// Runs `use` on a compiled pattern. Boost's matcher keeps its stack on the heap and gives up on exponential work.
template <class Use>
Result<Value> with_regex(const std::string& pattern, Use&& use) {
  try {
    const boost::regex regex(pattern);
    return use(regex);
  } catch (const std::exception& e) {
    return expression_error("the regular expression \"" + pattern.substr(0, 100) + "\" cannot be used: " + e.what());
  }
}

Result<Value> regex_match(const std::string& pattern, const std::string& text) {
  return with_regex(pattern, [&](const boost::regex& regex) { return Value(boost::regex_search(text, regex)); });
}

Result<Value> substring(const std::string& text, const Value& from, const Value& to) {
  LOGSTONE_ASSIGN(const Value first, as_integer(from));
  LOGSTONE_ASSIGN(const Value last, as_integer(to));
  const auto size = static_cast<std::int64_t>(text.size());
  const std::int64_t begin = std::clamp<std::int64_t>(first.get<std::int64_t>(), 0, size);
  std::int64_t end = last.get<std::int64_t>();
  end = end < 0 ? size : std::clamp<std::int64_t>(end, begin, size);
  return Value(text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
}

Result<Value> element(const Value& list, bool last) {
  if (!list.is_array()) return expression_error("first and last need a list");
  if (list.empty()) return Value(nullptr);
  return last ? list.back() : list.front();
}

Result<Value> part_of_list(const Value& list, std::size_t from, std::size_t without_end) {
  if (!list.is_array()) return expression_error("a list is needed");
  if (list.size() < from + without_end) return Value(Value::array());
  return Value(Value::array_t(list.begin() + static_cast<std::ptrdiff_t>(from),
                              list.end() - static_cast<std::ptrdiff_t>(without_end)));
}

Result<Value> length(const Value& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();  // characters, not bytes
    return Value(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  }
  if (value.is_structured()) return Value(value.size());
  return expression_error("len needs a string, a list or a map");
}

Result<Value> sum(const Value& list) {
  if (!list.is_array()) return expression_error("sum needs a list");
  double real = 0;
  std::int64_t whole = 0;
  bool all_whole = true;
  for (const Value& item : list) {
    if (!item.is_number()) return expression_error("sum needs numbers");
    real += item.get<double>();
    all_whole =
        all_whole && item.is_number_integer() && !__builtin_add_overflow(whole, item.get<std::int64_t>(), &whole);
  }
  return all_whole ? Value(whole) : Value(real);
}

Result<Value> sorted(Value list) {
  if (!list.is_array()) return expression_error("sort needs a list");
  std::stable_sort(list.begin(), list.end());
  return list;
}

Result<Value> unique(const Value& list) {
  if (!list.is_array()) return expression_error("uniq needs a list");
  Value out = Value::array();
  std::vector<const Value*> seen;
  const auto before = [](const Value* a, const Value* b) { return *a < *b; };
  for (const Value& item : list) {
    const auto at = std::lower_bound(seen.begin(), seen.end(), &item, before);
    if (at != seen.end() && **at == item) continue;
    seen.insert(at, &item);
    out.push_back(item);
  }
  return out;
}

Result<Value> keys(const Value& map, bool values) {
  if (!map.is_object()) return expression_error("keys and values need a map");
  Value out = Value::array();
  for (const auto& [key, value] : map.items()) out.push_back(values ? value : Value(key));
  return out;
}

std::string title(std::string text) {
  bool start = true;
  for (char& c : text) {
    if (start) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    start = std::isspace(static_cast<unsigned char>(c)) != 0;
  }
  return text;
}

Result<Value> indented(const Value& spaces, const std::string& text, bool new_line) {
  LOGSTONE_ASSIGN(const Value count, as_integer(spaces));
  if (count.get<std::int64_t>() < 0 || count.get<std::int64_t>() > 1000)
    return expression_error("an indent of 0 to 1000 is needed");
  const std::string pad(static_cast<std::size_t>(count.get<std::int64_t>()), ' ');
  LOGSTONE_ASSIGN(const std::string body, replaced(text, "\n", "\n" + pad));
  return Value((new_line ? "\n" : "") + pad + body);
}

const char* kind_of(const Value& v) {
  if (v.is_null()) return "nil";
  if (v.is_boolean()) return "bool";
  if (v.is_number_integer()) return "int";
  if (v.is_number_float()) return "float";
  if (v.is_string()) return "string";
  return v.is_array() ? "array" : "map";
}

using Table = std::unordered_map<std::string, Entry>;

void add_conversions(Table& t) {
  const Function integer = [](const Arguments& a) { return as_integer(a[0]); };
  const Function real = [](const Arguments& a) { return as_float(a[0]); };
  const Function text = [](const Arguments& a) { return Value(text_of(a[0])); };
  const Function to = [](const Arguments& a) {
    return Value(a[0].dump(-1, ' ', false, Value::error_handler_t::replace));
  };
  const Function from = [](const Arguments& a) { return value_from_json(text_of(a[0])); };
  for (const char* name : {"asInt", "int", "sprig.int", "sprig.int64", "sprig.atoi"}) t[name] = {1, 1, integer};
  for (const char* name : {"asFloat", "float", "sprig.float64"}) t[name] = {1, 1, real};
  for (const char* name : {"string", "sprig.toString"}) t[name] = {1, 1, text};
  for (const char* name : {"toJson", "toJSON", "sprig.toJson"}) t[name] = {1, 1, to};
  for (const char* name : {"fromJson", "fromJSON", "sprig.fromJson"}) t[name] = {1, 1, from};
  t["type"] = {1, 1, [](const Arguments& a) { return Value(kind_of(a[0])); }};
  t["jsonpath"] = {2, 2, [](const Arguments& a) -> Result<Value> {
                     LOGSTONE_ASSIGN(const Value root,
                                     a[0].is_string() ? value_from_json(text_of(a[0])) : Result<Value>(a[0]));
                     return evaluate_jsonpath(root, text_of(a[1]));
                   }};
  for (const char* name : {"toBase64", "sprig.b64enc"}) {
    t[name] = {1, 1, [](const Arguments& a) { return Value(to_base64(text_of(a[0]))); }};
  }
  for (const char* name : {"fromBase64", "sprig.b64dec"}) {
    t[name] = {1, 1, [](const Arguments& a) { return from_base64(text_of(a[0])); }};
  }
}

void add_texts(Table& t) {
  constexpr const char* blanks = " \t\r\n";
  const auto text = [](std::string (*run)(std::string)) {
    return Entry{1, 1, [run](const Arguments& a) { return Value(run(text_of(a[0]))); }};
  };
  t["lower"] = t["sprig.lower"] = text(lower);
  t["upper"] = t["sprig.upper"] = text(upper);
  t["sprig.title"] = text(title);
  t["trim"] = {1, 2, [](const Arguments& a) {
                 return Value(trimmed(text_of(a[0]), a.size() > 1 ? text_of(a[1]).c_str() : blanks));
               }};
  t["sprig.trim"] = {1, 1, [](const Arguments& a) { return Value(trimmed(text_of(a[0]), blanks)); }};
  t["sprig.trimAll"] = {2, 2, [](const Arguments& a) { return Value(trimmed(text_of(a[1]), text_of(a[0]).c_str())); }};
  t["trimPrefix"] = {2, 2, [](const Arguments& a) {
                       const std::string s = text_of(a[0]);
                       const std::string p = text_of(a[1]);
                       return Value(s.starts_with(p) ? s.substr(p.size()) : s);
                     }};
  t["trimSuffix"] = {2, 2, [](const Arguments& a) {
                       const std::string s = text_of(a[0]);
                       const std::string p = text_of(a[1]);
                       return Value(s.ends_with(p) ? s.substr(0, s.size() - p.size()) : s);
                     }};
  for (const char* name : {"trimPrefix", "trimSuffix"}) {  // sprig has the text last, so that it can be piped
    t[std::string("sprig.") + name] = {2, 2, [run = t[name].run](const Arguments& a) { return run({a[1], a[0]}); }};
  }
  t["hasPrefix"] = {2, 2, [](const Arguments& a) { return Value(text_of(a[0]).starts_with(text_of(a[1]))); }};
  t["hasSuffix"] = {2, 2, [](const Arguments& a) { return Value(text_of(a[0]).ends_with(text_of(a[1]))); }};
  t["sprig.hasPrefix"] = {2, 2, [](const Arguments& a) { return Value(text_of(a[1]).starts_with(text_of(a[0]))); }};
  t["sprig.hasSuffix"] = {2, 2, [](const Arguments& a) { return Value(text_of(a[1]).ends_with(text_of(a[0]))); }};
  t["sprig.contains"] = {
      2, 2, [](const Arguments& a) { return Value(text_of(a[1]).find(text_of(a[0])) != std::string::npos); }};
  t["indexOf"] = {2, 2, [](const Arguments& a) {
                    const std::size_t at = text_of(a[0]).find(text_of(a[1]));
                    return Value(at == std::string::npos ? -1 : static_cast<std::int64_t>(at));
                  }};
  t["lastIndexOf"] = {2, 2, [](const Arguments& a) {
                        const std::size_t at = text_of(a[0]).rfind(text_of(a[1]));
                        return Value(at == std::string::npos ? -1 : static_cast<std::int64_t>(at));
                      }};
  t["replace"] = {3, 3, [](const Arguments& a) -> Result<Value> {
                    LOGSTONE_ASSIGN(std::string out, replaced(text_of(a[0]), text_of(a[1]), text_of(a[2])));
                    return Value(std::move(out));
                  }};
  t["sprig.replace"] = {3, 3, [](const Arguments& a) -> Result<Value> {
                          LOGSTONE_ASSIGN(std::string out, replaced(text_of(a[2]), text_of(a[0]), text_of(a[1])));
                          return Value(std::move(out));
                        }};
  t["sprig.nospace"] = {1, 1, [](const Arguments& a) {
                          std::string s = text_of(a[0]);
                          std::erase_if(s, [](unsigned char c) { return std::isspace(c) != 0; });
                          return Value(s);
                        }};
  t["split"] = {2, 2, [](const Arguments& a) { return split(text_of(a[0]), text_of(a[1])); }};
  t["sprig.splitList"] = {2, 2, [](const Arguments& a) { return split(text_of(a[1]), text_of(a[0])); }};
  t["join"] = {1, 2, [](const Arguments& a) { return join(a[0], a.size() > 1 ? text_of(a[1]) : ""); }};
  t["sprig.join"] = {2, 2, [](const Arguments& a) { return join(a[1], text_of(a[0])); }};
  t["repeat"] = {2, 2, [](const Arguments& a) { return repeat(text_of(a[0]), a[1]); }};
  t["sprig.repeat"] = {2, 2, [](const Arguments& a) { return repeat(text_of(a[1]), a[0]); }};
  t["sprig.substr"] = {3, 3, [](const Arguments& a) { return substring(text_of(a[2]), a[0], a[1]); }};
  t["sprig.trunc"] = {2, 2, [](const Arguments& a) -> Result<Value> {
                        LOGSTONE_ASSIGN(const Value count, as_integer(a[0]));
                        const std::string s = text_of(a[1]);
                        const std::int64_t n = count.get<std::int64_t>();
                        if (n >= 0) return Value(s.substr(0, static_cast<std::size_t>(n)));
                        const std::size_t tail = static_cast<std::size_t>(-(n + 1)) + 1;
                        return Value(tail >= s.size() ? s : s.substr(s.size() - tail));
                      }};
  t["sprig.quote"] = {1, 1, [](const Arguments& a) {
                        return Value(Value(text_of(a[0])).dump(-1, ' ', false, Value::error_handler_t::replace));
                      }};
  t["sprig.squote"] = {1, 1, [](const Arguments& a) { return Value("'" + text_of(a[0]) + "'"); }};
  t["sprig.cat"] = {1, 100, [](const Arguments& a) { return join(Value(a), " "); }};
  t["sprig.indent"] = {2, 2, [](const Arguments& a) { return indented(a[0], text_of(a[1]), false); }};
  t["sprig.nindent"] = {2, 2, [](const Arguments& a) { return indented(a[0], text_of(a[1]), true); }};
  t["sprig.regexMatch"] = {2, 2, [](const Arguments& a) { return regex_match(text_of(a[0]), text_of(a[1])); }};
  t["sprig.regexReplaceAll"] = {3, 3, [](const Arguments& a) {
                                  return with_regex(text_of(a[0]), [&](const boost::regex& regex) {
                                    return Value(boost::regex_replace(text_of(a[1]), regex, text_of(a[2])));
                                  });
                                }};
  t["sprig.regexFind"] = {2, 2, [](const Arguments& a) {
                            return with_regex(text_of(a[0]), [&](const boost::regex& regex) {
                              const std::string s = text_of(a[1]);
                              boost::smatch found;
                              return Value(boost::regex_search(s, found, regex) ? found.str() : std::string());
                            });
                          }};
}

void add_numbers(Table& t) {
  for (const char* prefix : {"", "sprig."}) {
    const std::string p = prefix;
    t[p + "floor"] = {1, 1, [](const Arguments& a) { return rounded(a[0], std::floor); }};
    t[p + "ceil"] = {1, 1, [](const Arguments& a) { return rounded(a[0], std::ceil); }};
    t[p + "max"] = {1, 100, [](const Arguments& a) { return extreme(a, true); }};
    t[p + "min"] = {1, 100, [](const Arguments& a) { return extreme(a, false); }};
  }
  t["round"] = {1, 1, [](const Arguments& a) { return rounded(a[0], std::round); }};
  t["abs"] = {1, 1, [](const Arguments& a) -> Result<Value> {
                if (!a[0].is_number()) return expression_error("abs needs a number");
                if (a[0].is_number_float()) return Value(std::abs(a[0].get<double>()));
                const std::int64_t n = a[0].get<std::int64_t>();
                if (n == INT64_MIN) return expression_error("the number is too large");
                return Value(n < 0 ? -n : n);
              }};
  t["sum"] = {1, 1, [](const Arguments& a) { return sum(a[0]); }};
  t["sprig.add"] = {1, 100, [](const Arguments& a) { return whole_arithmetic('+', a); }};
  t["sprig.sub"] = {2, 2, [](const Arguments& a) { return whole_arithmetic('-', a); }};
  t["sprig.mul"] = {1, 100, [](const Arguments& a) { return whole_arithmetic('*', a); }};
  t["sprig.div"] = {2, 2, [](const Arguments& a) { return whole_arithmetic('/', a); }};
  t["sprig.mod"] = {2, 2, [](const Arguments& a) { return whole_arithmetic('%', a); }};
  t["sprig.add1"] = {1, 1, [](const Arguments& a) { return whole_arithmetic('+', {a[0], Value(1)}); }};
}

void add_lists(Table& t) {
  t["len"] = t["sprig.len"] = {1, 1, [](const Arguments& a) { return length(a[0]); }};
  t["first"] = t["sprig.first"] = {1, 1, [](const Arguments& a) { return element(a[0], false); }};
  t["last"] = t["sprig.last"] = {1, 1, [](const Arguments& a) { return element(a[0], true); }};
  t["sprig.rest"] = {1, 1, [](const Arguments& a) { return part_of_list(a[0], 1, 0); }};
  t["sprig.initial"] = {1, 1, [](const Arguments& a) { return part_of_list(a[0], 0, 1); }};
  t["reverse"] = t["sprig.reverse"] = {1, 1, [](const Arguments& a) -> Result<Value> {
                                         if (!a[0].is_array()) return expression_error("reverse needs a list");
                                         return Value(Value::array_t(a[0].rbegin(), a[0].rend()));
                                       }};
  t["sort"] = {1, 1, [](const Arguments& a) { return sorted(a[0]); }};
  t["uniq"] = t["sprig.uniq"] = {1, 1, [](const Arguments& a) { return unique(a[0]); }};
  t["concat"] = {1, 100, [](const Arguments& a) -> Result<Value> {
                   Value out = Value::array();
                   for (const Value& list : a) {
                     if (!list.is_array()) return expression_error("concat needs lists");
                     out.insert(out.end(), list.begin(), list.end());
                   }
                   return out;
                 }};
  t["sprig.list"] = {0, 1000, [](const Arguments& a) { return Value(a); }};
  t["sprig.has"] = {2, 2, [](const Arguments& a) -> Result<Value> {
                      if (!a[1].is_array()) return expression_error("has needs a list");
                      return Value(std::find(a[1].begin(), a[1].end(), a[0]) != a[1].end());
                    }};
  t["keys"] = t["sprig.keys"] = {1, 1, [](const Arguments& a) { return keys(a[0], false); }};
  t["values"] = t["sprig.values"] = {1, 1, [](const Arguments& a) { return keys(a[0], true); }};
  t["get"] = t["sprig.get"] = {2, 2, [](const Arguments& a) -> Result<Value> {
                                 if (!a[0].is_object()) return Value(nullptr);
                                 const auto it = a[0].find(text_of(a[1]));
                                 return it == a[0].end() ? Value(nullptr) : *it;
                               }};
  t["sprig.hasKey"] = {2, 2,
                       [](const Arguments& a) { return Value(a[0].is_object() && a[0].contains(text_of(a[1]))); }};
  t["sprig.dict"] = {0, 200, [](const Arguments& a) {
                       Value out = Value::object();
                       for (std::size_t i = 0; i + 1 < a.size(); i += 2) out[text_of(a[i])] = a[i + 1];
                       return out;
                     }};
  t["sprig.default"] = {2, 2, [](const Arguments& a) { return is_empty(a[1]) ? a[0] : a[1]; }};
  t["sprig.empty"] = {1, 1, [](const Arguments& a) { return Value(is_empty(a[0])); }};
  t["sprig.coalesce"] = {1, 100, [](const Arguments& a) {
                           const auto it =
                               std::find_if(a.begin(), a.end(), [](const Value& v) { return !is_empty(v); });
                           return it == a.end() ? Value(nullptr) : *it;
                         }};
  t["sprig.ternary"] = {3, 3, [](const Arguments& a) { return is_empty(a[2]) ? a[1] : a[0]; }};
}

const Table& table() {
  static const Table* const made = [] {
    auto* t = new Table;
    add_conversions(*t);
    add_texts(*t);
    add_numbers(*t);
    add_lists(*t);
    return t;
  }();
  return *made;
}

}  // namespace

bool takes_closure(std::string_view name) {
  for (const char* known : {"filter", "map", "all", "any", "none", "one", "count", "find", "findIndex"}) {
    if (name == known) return true;
  }
  return false;
}

bool is_function(std::string_view name) { return takes_closure(name) || table().contains(std::string(name)); }

Result<Value> call_function(const std::string& name, const std::vector<Value>& arguments) {
  const auto it = table().find(name);
  if (it == table().end()) return expression_error("the function " + name + " is not supported");
  const Entry& entry = it->second;
  if (arguments.size() < entry.least || arguments.size() > entry.most) {
    return expression_error(name + " takes " + std::to_string(entry.least) +
                            (entry.most != entry.least ? " to " + std::to_string(entry.most) : "") +
                            " arguments, not " + std::to_string(arguments.size()));
  }
  return entry.run(arguments);
}

Result<Value> value_from_json(std::string_view text) {
  bool too_deep = false;
  Value json = Value::parse(
      text.begin(), text.end(),
      [&](int depth, Value::parse_event_t, Value&) {
        too_deep = too_deep || depth > 100;
        return !too_deep;
      },
      false);
  if (json.is_discarded() || too_deep) {
    return expression_error("\"" + std::string(text.substr(0, 100)) + "\" is not JSON");
  }
  return json;
}

}  // namespace logstone::local
