package incident

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
)

func say(code string, pairs ...any) *fault.Error { return fault.New(fault.Invalid, code, pairs...) }

// figure is a decimal number with Japanese multipliers, then a unit.
var (
	figure   = regexp.MustCompile(`^([0-9][0-9,]{0,30}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})`)
	grouped  = regexp.MustCompile(`^[0-9]{1,3}(,[0-9]{3})+(\.|$)`)
	multiple = map[string]int64{"十": 10, "百": 100, "千": 1000, "万": 10_000, "億": 100_000_000, "兆": 1_000_000_000_000}
)

// parseFigure reads the number at the start of a folded text, such as 1,200,
// 1.5万 or 3億2,000万, and returns what follows it.
func parseFigure(s string) (n *big.Rat, rest string, ok bool) {
	sum, rest := new(big.Rat), strings.TrimSpace(s)
	last := new(big.Rat).SetInt64(1 << 62)
	for range 6 { // 兆, 億, 万, 千, 百, and the rest
		digits := figure.FindString(rest)
		if digits == "" {
			break
		}
		if strings.Contains(digits, ",") && !grouped.MatchString(digits) {
			return nil, "", false
		}
		part, good := new(big.Rat).SetString(strings.ReplaceAll(digits, ",", ""))
		if !good {
			return nil, "", false
		}
		rest = strings.TrimSpace(rest[len(digits):])
		scale := new(big.Rat).SetInt64(1)
		for range 2 { // 千万 is a thousand times ten thousand
			for word, times := range multiple {
				if tail, found := strings.CutPrefix(rest, word); found {
					scale.Mul(scale, new(big.Rat).SetInt64(times))
					rest = strings.TrimSpace(tail)
					break
				}
			}
		}
		if scale.Cmp(last) >= 0 {
			return nil, "", false
		}
		last = scale
		sum.Add(sum, part.Mul(part, scale))
		ok = true
		if scale.IsInt() && scale.Cmp(new(big.Rat).SetInt64(1)) == 0 {
			break
		}
	}
	return sum, rest, ok
}

// about reports the words for a number that is not meant exactly.
func about(s string) bool {
	for _, w := range []string{"約", "およそ", "おおよそ", "about ", "approx", "around ", "ca."} {
		if strings.HasPrefix(strings.ToLower(s), w) {
			return true
		}
	}
	return strings.HasSuffix(s, "程度") || strings.HasSuffix(s, "くらい") || strings.HasSuffix(s, "ぐらい")
}

// units says how many of a field's unit one of the written unit is. An empty
// unit means the field's own.
var units = map[string]map[string]string{
	"people":     {"人": "1", "名": "1", "people": "1", "persons": "1"},
	"users":      {"人": "1", "名": "1", "件": "1", "者": "1", "users": "1", "customers": "1"},
	"devices":    {"台": "1", "個": "1", "devices": "1", "units": "1"},
	"bytes":      {"b": "1", "バイト": "1", "bytes": "1", "kb": "1000", "mb": "1000000", "gb": "1000000000", "tb": "1000000000000"},
	"hours":      {"時間": "1", "h": "1", "hours": "1", "hour": "1", "分": "1/60", "min": "1/60", "minutes": "1/60", "日": "24", "日間": "24", "days": "24", "day": "24", "d": "24"},
	"minutes":    {"分": "1", "分間": "1", "min": "1", "minutes": "1", "minute": "1", "時間": "60", "h": "60", "hours": "60", "hour": "60", "秒": "1/60", "s": "1/60", "seconds": "1/60", "日": "1440", "days": "1440"},
	"Gbps":       {"gbps": "1", "gbit/s": "1", "mbps": "1/1000", "mbit/s": "1/1000", "kbps": "1/1000000", "tbps": "1000", "tbit/s": "1000"},
	"pps":        {"pps": "1", "kpps": "1000", "mpps": "1000000", "gpps": "1000000000"},
	"requests/s": {"rps": "1", "件/秒": "1", "requests/s": "1", "krps": "1000", "mrps": "1000000"},
	"%":          {"%": "1", "パーセント": "1", "割": "10", "percent": "1"},
	"":           {"台": "1", "個": "1", "件": "1", "人": "1", "本": "1"},
}

func parseQuantity(s, unit, code string) (*big.Rat, *fault.Error) {
	s = fold(s)
	if about(s) {
		return nil, say("incident.parse.about")
	}
	n, rest, ok := parseFigure(s)
	if !ok {
		return nil, say(code)
	}
	if rest != "" {
		factor, known := units[unit][strings.ToLower(rest)]
		if !known && !strings.ContainsAny(rest, "0123456789") && len(units[unit]) > 0 {
			return nil, say("incident.parse.unit", "unit", shorten(rest), "want", unitWord(unit))
		}
		if !known {
			return nil, say(code)
		}
		f, _ := new(big.Rat).SetString(factor)
		n.Mul(n, f)
	}
	return n, nil
}

// unitWord is what a message tells a person to write when a field counts things.
func unitWord(unit string) string {
	if unit == "" {
		return "1, 2, 3"
	}
	return unit
}

// parseInteger reads a count: 1,200 人, 1.5万, ３台.
func parseInteger(s, unit string) (int64, *fault.Error) {
	n, err := parseQuantity(s, unit, "incident.parse.integer")
	if err != nil {
		return 0, err
	}
	if !n.IsInt() {
		return 0, say("incident.parse.fraction")
	}
	if !n.Num().IsInt64() || n.Num().Int64() > safeInteger {
		return 0, say("incident.parse.integer")
	}
	return n.Num().Int64(), nil
}

// parseNumber reads a measure and turns it into the field's unit: 90分 of a
// field in hours is 1.5.
func parseNumber(s, unit string) (float64, *fault.Error) {
	n, err := parseQuantity(s, unit, "incident.parse.number")
	if err != nil {
		return 0, err
	}
	v, _ := n.Float64()
	return v, nil
}

// currencies maps what people write to ISO 4217 codes and crypto units. A bare
// dollar is several currencies and is not taken for one of them.
var currencies = map[string]string{
	"円": "JPY", "¥": "JPY", "yen": "JPY", "€": "EUR", "ユーロ": "EUR", "£": "GBP", "ポンド": "GBP", "us$": "USD", "米ドル": "USD", "a$": "AUD", "豪ドル": "AUD",
	"jpy": "JPY", "usd": "USD", "eur": "EUR", "gbp": "GBP", "aud": "AUD", "chf": "CHF", "cny": "CNY", "krw": "KRW", "sgd": "SGD", "cad": "CAD", "twd": "TWD", "hkd": "HKD", "nzd": "NZD", "sek": "SEK", "dkk": "DKK", "nok": "NOK", "pln": "PLN", "czk": "CZK",
	"btc": "BTC", "ビットコイン": "BTC", "₿": "BTC", "eth": "ETH", "xmr": "XMR", "モネロ": "XMR", "usdt": "USDT", "usdc": "USDC", "ltc": "LTC", "zec": "ZEC",
}

// parseMoney reads a sum with its currency before or after it, and writes it
// as Value holds it: 500万円 is "5000000 JPY".
func parseMoney(s string) (string, *fault.Error) {
	s = fold(s)
	if about(s) {
		return "", say("incident.parse.about")
	}
	head := strings.IndexAny(s, "0123456789")
	if head < 0 {
		return "", say("incident.parse.money")
	}
	before := strings.ToLower(strings.TrimSpace(s[:head]))
	n, rest, ok := parseFigure(s[head:])
	if !ok {
		return "", say("incident.parse.money")
	}
	after := strings.ToLower(rest)
	if before != "" && after != "" && currencies[before] != currencies[after] {
		return "", say("incident.parse.money")
	}
	word := before + after
	if before != "" {
		word = before
	}
	code, known := currencies[word]
	switch {
	case word == "" || word == "$" || word == "ドル" || word == "dollars":
		return "", say("incident.parse.currency")
	case !known:
		return "", say("incident.parse.money")
	}
	amount := n.FloatString(18)
	amount = strings.TrimSuffix(strings.TrimRight(amount, "0"), ".")
	if out := amount + " " + code; moneyForm.MatchString(out) {
		return out, nil
	}
	return "", say("incident.parse.money")
}

var yesNo = map[string]bool{
	"はい": true, "有": true, "あり": true, "有り": true, "yes": true, "y": true, "true": true, "1": true, "on": true, "した": true,
	"いいえ": false, "無": false, "なし": false, "無し": false, "no": false, "n": false, "false": false, "0": false, "off": false, "していない": false,
}

func parseBool(s string) (bool, *fault.Error) {
	v, ok := yesNo[strings.ToLower(fold(s))]
	if !ok {
		return false, say("incident.parse.bool")
	}
	return v, nil
}

// atoi reads digits that a regular expression has already bounded.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
