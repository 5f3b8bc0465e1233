package main

import (
	"crypto/md5" //nolint:gosec // a style of names, no protection
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// style is one way in which algorithms make names. The styles are generic ones
// of our own; none repeats the code of a real program.
type style struct {
	name string
	make func(r *rand.Rand) string
}

// styles returns the generators, each drawing only from r.
func styles() []style {
	return []style{
		{"letters", letters},
		{"short-letters", shortLetters},
		{"letters-lcg", lettersLCG},
		{"alphabet-part", alphabetPart},
		{"digit-mix", digitMix},
		{"hex", hexDigits},
		{"digest", digest},
		{"base32", base32Name},
		{"syllables", syllables},
		{"two-words", func(r *rand.Rand) string { return someWords(r, 2) }},
		{"three-words", func(r *rand.Rand) string { return someWords(r, 3) }},
		{"date", dateSeeded},
		{"arithmetic", arithmetic},
		{"skewed", skewed},
	}
}

const alphabet = "abcdefghijklmnopqrstuvwxyz"

func pick(r *rand.Rand, from string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[r.IntN(len(from))]
	}
	return string(b)
}

func letters(r *rand.Rand) string      { return pick(r, alphabet, 10+r.IntN(20)) }
func shortLetters(r *rand.Rand) string { return pick(r, alphabet, 6+r.IntN(4)) }
func digitMix(r *rand.Rand) string     { return pick(r, alphabet+"0123456789", 8+r.IntN(17)) }
func hexDigits(r *rand.Rand) string    { return pick(r, "0123456789abcdef", 8+r.IntN(25)) }

// lettersLCG takes each letter from the high bits of a linear congruence.
func lettersLCG(r *rand.Rand) string {
	x, n := r.Uint32(), 8+r.IntN(13)
	b := make([]byte, n)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'a' + byte(x>>16%26)
	}
	return string(b)
}

// alphabetPart uses a run of the alphabet only.
func alphabetPart(r *rand.Rand) string {
	from := r.IntN(14)
	return pick(r, alphabet[from:from+8+r.IntN(5)], 8+r.IntN(13))
}

// skewed draws letters with unequal chances, without any order of them.
func skewed(r *rand.Rand) string {
	var pool strings.Builder
	for _, c := range alphabet {
		pool.WriteString(strings.Repeat(string(c), 1+r.IntN(4)))
	}
	return pick(r, pool.String(), 8+r.IntN(13))
}

// digest is the head of a hash over a counter.
func digest(r *rand.Rand) string {
	sum := md5.Sum(fmt.Append(nil, r.Uint64()))
	return hex.EncodeToString(sum[:])[:[]int{10, 12, 16, 20, 32}[r.IntN(5)]]
}

func base32Name(r *rand.Rand) string {
	sum := sha256.Sum256(fmt.Append(nil, r.Uint64()))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:12+r.IntN(20)]
}

// syllables are pronounceable: consonants and vowels in turn.
func syllables(r *rand.Rand) string {
	var b strings.Builder
	for range 3 + r.IntN(4) {
		b.WriteString(pick(r, "bcdfghjklmnpqrstvwxz", 1))
		b.WriteString(pick(r, "aeiou", 1))
		if r.IntN(4) == 0 {
			b.WriteString(pick(r, "lmnrstx", 1))
		}
	}
	return b.String()
}

func someWords(r *rand.Rand, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = words[r.IntN(len(words))]
	}
	return strings.Join(parts, []string{"", "", "-"}[r.IntN(3)])
}

// dateSeeded turns the digits of a date and a counter into letters, in a way
// that differs from run to run.
func dateSeeded(r *rand.Rand) string {
	day := time.Unix(int64(r.IntN(1<<30))+1e9, 0).UTC()
	s := day.Format("20060102") + fmt.Sprint(r.IntN(1000))
	from, step := r.IntN(26), 1+r.IntN(2)
	b := []byte(s)
	for i, c := range b {
		b[i] = alphabet[(from+step*int(c-'0')+i*r.IntN(2))%26]
	}
	return string(b)
}

// arithmetic walks the alphabet in steps that grow.
func arithmetic(r *rand.Rand) string {
	x, step, grow := r.IntN(26), 1+r.IntN(25), r.IntN(8)
	b := make([]byte, 8+r.IntN(10))
	for i := range b {
		b[i] = alphabet[x]
		x = (x + step) % 26
		step = (step + grow + i%3) % 26
	}
	return string(b)
}

// words are common English ones, typed for this purpose.
var words = strings.Fields(`
able above across action active actor address advice after again agent agree ahead almost alone along already always amount animal
answer anyone apple april area around arrive artist august author autumn avoid awake basket battle beauty become before begin
behind believe belong below beneath beside better between beyond bicycle blanket blood border borrow bottle bottom branch bread
breakfast breath bridge bright broken brother brought building burden butter button camera captain careful carry castle caught
century certain chair chance change chapter charge children choice choose church circle class clean clear climb close cloth cloud
coffee cold college color column comfort common company complete condition consider contain continue control cook corner cotton
country couple course cover cross crowd current daily danger daughter december decide deep degree delight describe desert design
destroy device different difficult dinner direct distance doctor dollar double doubt dream dress drink during early earth eastern
effort eight either electric eleven empty enemy engine english enjoy enough entire evening every except excite exercise expect
explain extra family famous farmer father favor february field fifteen figure final finger finish fire flame floor flower follow
forest forget forward fought fresh friday friend front fruit further future garden gather gentle glass golden government grand
grass great green ground growth guard guess guide happen happy harbor heard heart heavy height history holiday honest hospital
house however human hundred hunger hurry husband image improve inside instead island january journey judge juice july jump kitchen
knife knowledge ladder language large later laugh leader learn leather leave letter level library light likely listen little
machine manner march market marriage master matter measure meeting member memory middle minute mirror mistake modern moment monday
money month moon morning mother motion mountain movement music narrow nation nature nearly necessary needle neighbor neither
never newspaper night north nothing notice november number object ocean october offer office often orange order other outside
owner page paint paper parent particular party pattern peace pencil people perfect period person picture piece place plain plant
please plenty pocket point police position possible potato pound power prepare present president pretty price print prison problem
promise proper protect public purple push quality queen question quick quiet quite rabbit radio rather reach ready reason receive
record region remain remember repeat reply report rest result return rich ride river road rock roof rough round rule sail saturday
scale school science season second secret sentence separate september serious serve seven several shadow shake share sharp shine
shoe short should shoulder silver similar simple single sister sleep slow smile smoke smooth soldier someone sound south space
speak special spend spirit sport spread spring square stand station stay steel still stone store storm story straight strange
stream street strength strong student subject sudden sugar summer sunday supply support surface surprise sweet table teacher
theater their themselves these thing thirteen thought thousand through thursday together tomorrow tonight tooth toward town trade
train travel tree triangle trouble trust tuesday twelve twenty under uncle until useful usual valley value various village visit
voice wagon wait walk warm watch water weather wednesday week weight welcome western wheat wheel where whether while white whole
willow window winter wire within without woman wonder wooden world worry write wrong yellow yesterday young yourself`)
