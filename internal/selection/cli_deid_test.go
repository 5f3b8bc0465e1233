package selection

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/deid"
	"noroshi/internal/engine/geo"
)

// runDeid runs "deid" and returns the exit code and both outputs.
func runDeid(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := text.Load(cli.Words, os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	now := func() time.Time { return time.Date(2027, 11, 22, 1, 2, 3, 0, time.UTC) }
	e := &cli.Env{In: strings.NewReader(""), Out: &out, Err: &errs, Words: words, Now: now}
	args = append(args, "--lang", "en")
	e.Listen(args)
	root := e.Root("noroshi", "noroshi")
	root.AddCommand(deidCommand(e))
	code = e.Run(t.Context(), root, append([]string{"deid"}, args...))
	if both := out.String() + errs.String(); strings.Contains(both, "[deid.") || strings.Contains(both, "{") && !strings.Contains(both, `"`) {
		t.Errorf("words are missing in %q", both)
	}
	return code, out.String(), errs.String()
}

const mailOf = "Taro.Yamada@example.jp"

// kit is a run's folder with a vault, the shares of its key, and pseudonyms.
type kit struct {
	dir, mail, network string
	shares             []string
	authority          *Executor // signed the order of the run
	verifier           string    // file
	run                string
}

func newKit(t *testing.T, id string) kit {
	t.Helper()
	t.Setenv("NOROSHI_PASSPHRASE", "correct horse battery")
	base := t.TempDir()
	k := kit{dir: filepath.Join(base, "run")}
	file := filepath.Join(base, "approval.key")
	if code, _, errs := runDeid(t, "key", "--approval", id, "-o", file); code != 0 {
		t.Fatal(errs)
	}
	code, out, errs := runDeid(t, "split", file, "-o", filepath.Join(base, "holder"), "--destroy", "--json")
	var made Made
	if err := json.Unmarshal([]byte(out), &made); code != 0 || err != nil || len(made.Shares) != 2 || !made.Removed {
		t.Fatal(code, out, errs, err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Fatalf("the undivided key is still there: %v", err)
	}
	k.shares = made.Shares
	raw, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	public, err := deid.ParsePublic(raw)
	if err != nil {
		t.Fatal(err)
	}
	// What a run does: working keys of its own, and everything sealed.
	w, err := deid.NewWorking(id)
	if err != nil {
		t.Fatal(err)
	}
	names, nets, s := w.Names(1), w.Networks(1), deid.NewSealer(public)
	p := names.Of(deid.Mail, []byte(mailOf))
	vault, err := s.AddNetworks(s.Begin(nil), nets, 1)
	if err == nil {
		vault, err = s.Add(vault, p, []byte(mailOf))
	}
	if err != nil {
		t.Fatal(err)
	}
	k.mail, k.network = p.String(), string(nets.Append(nil, netip.MustParseAddr("203.0.113.9")))
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.dir, vaultFile), vault, 0o600); err != nil {
		t.Fatal(err)
	}
	records := `{"src":"p:net:192.0.2.1","dst":"` + k.network + `"}` + "\n"
	if err := os.WriteFile(filepath.Join(k.dir, fileSelected), []byte(records), 0o600); err != nil {
		t.Fatal(err)
	}
	// What the run said of itself: whose order it was, and whose its pseudonyms are.
	k.authority, k.run, k.verifier = newKey(t, "authority"), "run-"+id, filepath.Join(base, "authority.pub")
	st := Statement{Form: StatementForm, Run: k.run, Order: id, Authority: "authority", Pseudonyms: public.ID}
	if err := newKey(t, "executor").sign(&st); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{filepath.Join(k.dir, fileStatement): st.encode(), k.verifier: []byte(k.authority.Verifier())} {
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// opening writes an order to open pseudonyms of the run, and returns its file.
func (k kit) opening(t *testing.T, pseudonyms []string, edit func(*approval.Order)) string {
	t.Helper()
	at := time.Date(2027, 11, 22, 0, 0, 0, 0, time.UTC)
	o := approval.Order{ID: "R-1", Kind: approval.Reidentify, Run: k.run, Subjects: pseudonyms, From: at, Until: at.AddDate(0, 0, 7), IssuedAt: at, Grounds: "a", NoOther: "b", Necessity: "c"}
	if edit != nil {
		edit(&o)
	}
	paper, err := o.Sign(k.authority.signer)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "opening.json")
	if err := os.WriteFile(name, paper, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// reveal runs "deid reidentify" with these flags in place of the good ones.
func (k kit) reveal(t *testing.T, pseudonyms []string, change map[string]string, shares ...string) (int, string, string) {
	t.Helper()
	args := append([]string{"reidentify", k.dir}, pseudonyms...)
	for name, v := range map[string]string{"--order": "", "--authority": k.verifier, "--reason": "harm to a hospital", "--by": "commission"} {
		if with, ok := change[name]; ok {
			v = with
		} else if name == "--order" {
			v = k.opening(t, pseudonyms, nil)
		}
		args = append(args, name, v)
	}
	for _, s := range shares {
		args = append(args, "--share", s)
	}
	return runDeid(t, args...)
}

func (k kit) record(t *testing.T) (acts []Act) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(k.dir, recordFile))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var a Act
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		acts = append(acts, a)
	}
	if strings.Contains(string(raw), "Yamada") || strings.Contains(string(raw), "203.0.113.9") {
		t.Error("the record holds what was shown")
	}
	if _, whole, bad := chain(raw); whole != len(raw) || bad != 0 {
		t.Errorf("the record does not follow: line %d", bad)
	}
	return acts
}

func TestReidentificationWithTwoHolders(t *testing.T) {
	k := newKit(t, "A-2027-001")
	code, out, errs := k.reveal(t, []string{k.mail, k.network}, nil, k.shares...)
	if code != 0 || out != k.mail+"  "+mailOf+"\n"+k.network+"  203.0.113.9\n" {
		t.Fatalf("exit %d, %q, %s", code, out, errs)
	}
	acts := k.record(t)
	if len(acts) != 2 || acts[0].Act != actReveal || acts[0].Reason != "harm to a hospital" || acts[0].By != "commission" || len(acts[0].Pseudonyms) != 2 ||
		acts[0].At != "2027-11-22T01:02:03Z" || acts[1].Act != actOutcome || acts[1].Found != 2 {
		t.Errorf("%+v", acts)
	}
	info, err := os.Stat(filepath.Join(k.dir, recordFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

// TestNothingIsShownWithout tries each thing that is needed, left out or wrong:
// exit 3, nothing on standard output, the refusal on record.
func TestNothingIsShownWithout(t *testing.T) {
	k, other := newKit(t, "A-2027-001"), newKit(t, "A-2027-001")
	elsewhere := newKit(t, "A-2027-002")
	mail, stranger := []string{k.mail}, k
	stranger.authority, stranger.verifier = newKey(t, "somebody"), filepath.Join(t.TempDir(), "somebody.pub")
	if err := os.WriteFile(stranger.verifier, []byte(stranger.authority.Verifier()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(o *approval.Order) { o.Run = k.run }
	code, draft, errs := runDeid(t, "order", k.dir, k.mail, "--to", "2027-12-01", "--grounds", "a", "--necessity", "b", "--no-other-means", "c")
	if code != 0 || !strings.Contains(errs, "a draft") {
		t.Fatal(code, errs)
	}
	if err := os.WriteFile(filepath.Join(k.dir, "draft.json"), []byte(draft), 0o600); err != nil {
		t.Fatal(err)
	}
	draft = filepath.Join(k.dir, "draft.json")
	n := 0
	for name, c := range map[string]struct {
		change map[string]string
		shares []string
		why    string
	}{
		"a signature":   {map[string]string{"--order": draft}, k.shares, approval.ErrUnsigned.Code},
		"the authority": {map[string]string{"--authority": other.verifier}, k.shares, approval.ErrSignature.Code},
		"one authority": {map[string]string{"--order": stranger.opening(t, mail, run), "--authority": stranger.verifier}, k.shares, "deid.reveal.other_authority"},
		"its run":       {map[string]string{"--order": k.opening(t, mail, func(o *approval.Order) { o.Run = "another" })}, k.shares, approval.ErrSubjects.Code},
		"its pseudonym": {map[string]string{"--order": k.opening(t, []string{k.network}, nil)}, k.shares, approval.ErrSubjects.Code},
		"an opening": {map[string]string{"--order": k.opening(t, mail, func(o *approval.Order) {
			o.Kind, o.Directions, o.Link, o.Selectors, o.Fields, o.Addresses, o.RetainDays = approval.Trial, []geo.Class{geo.FD}, "files", strings.Repeat("a", 64), []string{"src"}, "plain", 1
		})}, k.shares, approval.ErrKind.Code},
		"its time":         {map[string]string{"--order": k.opening(t, mail, func(o *approval.Order) { o.From = o.Until.Add(-time.Hour) })}, k.shares, approval.ErrEarly.Code},
		"its time again":   {map[string]string{"--order": k.opening(t, mail, func(o *approval.Order) { o.Until = o.From.Add(time.Hour) })}, k.shares, approval.ErrExpired.Code},
		"two shares":       {nil, k.shares[:1], "deid.join.too_few"},
		"two holders":      {nil, []string{k.shares[0], k.shares[0]}, "deid.join.refused"},
		"its key":          {nil, other.shares, "deid.vault.other_key"},
		"its own shares":   {nil, []string{k.shares[0], other.shares[1]}, "deid.join.refused"},
		"its approval key": {nil, elsewhere.shares, "deid.vault.other_key"},
	} {
		code, out, errs := k.reveal(t, []string{k.mail}, c.change, c.shares...)
		n++
		acts := k.record(t)
		last := acts[len(acts)-1]
		if code != 3 || out != "" || strings.Contains(errs, mailOf) || len(acts) != n || last.Act != actRefused || last.Refused != c.why {
			t.Errorf("without %s: exit %d, %q, %s, %+v", name, code, out, errs, last)
		}
	}
}

// TestWhatLacksIsSaidAtOnce: nothing is on record of a call that could not have
// opened anything.
func TestWhatLacksIsSaidAtOnce(t *testing.T) {
	k := newKit(t, "A-2027-001")
	code, out, errs := runDeid(t, "reidentify", k.dir, k.mail)
	if code != 2 || out != "" || !strings.Contains(errs, "--order --authority --share --reason --by") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
	if _, err := os.Stat(filepath.Join(k.dir, recordFile)); !os.IsNotExist(err) {
		t.Error("a record was begun")
	}
	if code, out, errs := runDeid(t, "order", k.dir, k.mail); code != 2 || out != "" || !strings.Contains(errs, "--to --grounds --necessity --no-other-means") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
}

func TestAnAlteredRecordStopsReidentification(t *testing.T) {
	k := newKit(t, "A-2027-001")
	for range 2 {
		if code, _, errs := k.reveal(t, []string{k.mail}, nil, k.shares...); code != 0 {
			t.Fatal(errs)
		}
	}
	name := filepath.Join(k.dir, recordFile)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.SplitAfter(raw, []byte("\n"))
	for what, edited := range map[string][]byte{
		"a reason edited": bytes.Replace(raw, []byte("hospital"), []byte("hostages"), 1),
		"a line removed":  bytes.Join(append(append([][]byte{}, line[:1]...), line[2:]...), nil),
		"lines swapped":   bytes.Join([][]byte{line[0], line[2], line[1], line[3]}, nil),
	} {
		if err := os.WriteFile(name, edited, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := k.reveal(t, []string{k.mail}, nil, k.shares...); code != 3 || out != "" || !strings.Contains(errs, "was altered") {
			t.Errorf("%s: exit %d, %q, %s", what, code, out, errs)
		}
	}
	// A line that a crash cut short was shown nothing for: it goes.
	if err := os.WriteFile(name, append(bytes.Clone(raw), `{"at":"2027`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := k.reveal(t, []string{k.mail}, nil, k.shares...); code != 0 || len(k.record(t)) != 6 {
		t.Error(code, errs)
	}
}

func TestNothingIsShownWithoutARecord(t *testing.T) {
	k := newKit(t, "A-2027-001")
	if err := os.WriteFile(filepath.Join(k.dir, recordFile+".lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := k.reveal(t, []string{k.mail}, nil, k.shares...); code != 1 || out != "" || !strings.Contains(errs, "Another re-identification") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
	if err := os.Remove(filepath.Join(k.dir, recordFile+".lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(k.dir, recordFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := k.reveal(t, []string{k.mail}, nil, k.shares...); code == 0 || out != "" || !strings.Contains(errs, "nothing is shown") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
}

// TestAnAddressOfNoRecordIsNotOpened changes the last digit of an image: it would
// open to the address of somebody else.
func TestAnAddressOfNoRecordIsNotOpened(t *testing.T) {
	k := newKit(t, "A-2027-001")
	other := "p:net:198.51.100.1"
	code, out, errs := k.reveal(t, []string{k.mail, other}, nil, k.shares...)
	if code != 3 || out != "" || !strings.Contains(errs, other+": in no record of this run") || strings.Contains(errs, k.network) {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
	if acts := k.record(t); len(acts) != 1 || acts[0].Act != actRefused || acts[0].Refused != "deid.reveal.not_in_run" {
		t.Errorf("%+v", acts)
	}
	if err := os.Remove(filepath.Join(k.dir, fileSelected)); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := k.reveal(t, []string{k.network}, nil, k.shares...); code != 3 || out != "" {
		t.Errorf("without records: exit %d, %q", code, out)
	}
}

func TestPseudonymsThatAreNone(t *testing.T) {
	k := newKit(t, "A-2027-001")
	code, out, errs := k.reveal(t, []string{"taro\x1b[31m", k.mail}, nil, k.shares...)
	if code != 2 || out != "" || !strings.Contains(errs, `taro\x1b[31m: not a pseudonym`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	if code, _, errs := k.reveal(t, []string{k.mail}, map[string]string{"--reason": strings.Repeat("x", maxReason+1)}, k.shares...); code != 2 || !strings.Contains(errs, "too long") {
		t.Errorf("exit %d, %s", code, errs)
	}
	absent := "p:mail:" + strings.Repeat("a", 26)
	code, out, errs = k.reveal(t, []string{absent, k.mail}, nil, k.shares...)
	if code != 1 || !strings.Contains(out, absent+"  not in the vault") || !strings.Contains(out, mailOf) || !strings.Contains(errs, "1 pseudonym is not") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
	if acts := k.record(t); acts[1].Found != 1 || acts[1].Missing != 1 {
		t.Errorf("%+v", acts)
	}
}

// TestAnErasedKeyRevealsNothing: with one holder's share destroyed the vault
// stays shut for good.
func TestAnErasedKeyRevealsNothing(t *testing.T) {
	k := newKit(t, "A-2027-001")
	if err := destroyFile(k.shares[1]); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := k.reveal(t, []string{k.mail}, nil, k.shares[0]); code != 3 || out != "" {
		t.Errorf("exit %d, %q", code, out)
	}
	out := filepath.Join(t.TempDir(), "again.key")
	if code, _, errs := runDeid(t, "join", k.shares[0], "-o", out); code != 3 || !strings.Contains(errs, "2 are needed, 1 given") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Error("a key was written")
	}
}

// FuzzRecord reads whatever there is, then writes acts of its own with the words
// of the input, changes one byte of them, and looks that the change is found. A
// byte of the last line alone can pass: nothing follows from it yet.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"at":"","act":"outcome","approval":"","key":"","previous":""}`+"\n"), uint16(40), byte(1))
	f.Add([]byte("鍵を開く\x00 \"quoted\" <b>\x00\xff\x00\n"), uint16(3), byte('a'^'\n'))
	f.Add([]byte("a\x00b\x00c"), uint16(150), byte(0x20))
	f.Fuzz(func(t *testing.T, raw []byte, at uint16, flip byte) {
		last, whole, bad := chain(raw)
		if whole > len(raw) || bad == 0 && bytes.Contains(raw[whole:], []byte("\n")) {
			t.Fatalf("%d of %d bytes, line %d", whole, len(raw), bad)
		}
		if again, n, bad := chain(raw[:whole]); again != last || n != whole || bad != 0 {
			t.Fatalf("%q reads otherwise alone", raw[:whole])
		}
		var file []byte
		from, prev := 0, ""
		words := bytes.SplitN(raw[:min(len(raw), 512)], []byte{0}, 6)
		for i, w := range words {
			a := Act{Act: []string{actReveal, actOutcome, actRefused}[i%3], Reason: string(w), Pseudonyms: []string{"p:host:" + string(w)}, Found: i}
			line, next, err := a.after(prev)
			if err != nil {
				t.Fatal(err)
			}
			from, prev, file = len(file), next, append(file, line...)
		}
		if last, n, bad := chain(file); bad != 0 || n != len(file) || last != prev {
			t.Fatalf("%q: line %d", file, bad)
		}
		i := int(at) % len(file)
		if file[i] ^= flip; flip == 0 {
			return
		}
		if _, _, bad = chain(file); bad == 0 && i < from {
			t.Fatalf("byte %d of %q is not what was written, and nobody sees it", i, file)
		}
	})
}

func TestKeysSplitAndJoin(t *testing.T) {
	t.Setenv("NOROSHI_PASSPHRASE", "correct horse battery")
	dir := t.TempDir()
	file, prefix, again := filepath.Join(dir, "k"), filepath.Join(dir, "h"), filepath.Join(dir, "again")
	if code, out, errs := runDeid(t, "key", "--approval", "A", "-o", file); code != 0 || !strings.Contains(out, "approval A") {
		t.Fatal(code, out, errs)
	}
	if code, out, errs := runDeid(t, "split", file, "--holders", "3", "--need", "2", "-o", prefix); code != 0 || strings.Count(out, "(2 give the key back)") != 3 || !strings.Contains(errs, "is still there") {
		t.Fatal(code, out, errs)
	}
	if code, _, errs := runDeid(t, "join", prefix+"-3.share", prefix+"-1.share", "-o", again); code != 0 {
		t.Fatal(errs)
	}
	open := func(name string) *deid.Key {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		k, err := deid.Open(raw, []byte("correct horse battery"))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if *open(file) != *open(again) {
		t.Error("another key came back")
	}
	for _, name := range []string{file, prefix + "-1.share", again} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	// Shares are written all or none.
	if err := os.Remove(prefix + "-1.share"); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runDeid(t, "split", file, "--holders", "3", "-o", prefix); code != 1 || !strings.Contains(errs, "h-2.share is there already") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, err := os.Stat(prefix + "-1.share"); !os.IsNotExist(err) {
		t.Error("a share of a split that failed is left")
	}
	raw, err := os.ReadFile(prefix + "-2.share")
	if err != nil || !bytes.Contains(raw, []byte("need: 2")) {
		t.Errorf("a share of before was changed: %q %v", raw, err)
	}
}

func TestBadCallsOfDeid(t *testing.T) {
	t.Setenv("NOROSHI_PASSPHRASE", "correct horse battery")
	dir := t.TempDir()
	file := filepath.Join(dir, "k")
	if code, _, errs := runDeid(t, "key", "--approval", "A", "-o", file); code != 0 {
		t.Fatal(errs)
	}
	verifier := filepath.Join(dir, "v.pub")
	if err := os.WriteFile(verifier, []byte(newKey(t, "v").Verifier()), 0o600); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(dir, "pass")
	if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"Say with --approval":              {"key", "-o", filepath.Join(dir, "x")},
		"k is there already":               {"key", "--approval", "A", "-o", file},
		"at least 12":                      {"key", "--approval", "A", "-o", filepath.Join(dir, "x"), "--passphrase-file", short},
		"spaces or invisible":              {"key", "--approval", "a b", "-o", filepath.Join(dir, "x")},
		"does not open":                    {"split", file, "-o", filepath.Join(dir, "h"), "--passphrase-file", short},
		"is not a file for this":           {"split", file + ".pub", "-o", filepath.Join(dir, "h")},
		"Holders are 2 to 16":              {"split", file, "--holders", "17", "-o", filepath.Join(dir, "h")},
		"Cannot read":                      {"join", filepath.Join(dir, "none"), "-o", filepath.Join(dir, "x")},
		"k is not a file":                  {"join", file, "-o", filepath.Join(dir, "x")},
		"vault is not a file":              {"reidentify", newRunWith(t, dir), "p:mail:" + strings.Repeat("a", 26), "--order", file, "--authority", verifier, "--share", "s", "--reason", "r", "--by", "b"},
		"no/such/folder/k":                 {"key", "--approval", "A", "-o", filepath.Join(dir, "no/such/folder/k")},
		"the number needed is 2 up to the": {"split", file, "--holders", "2", "--need", "3", "-o", filepath.Join(dir, "h")},
	} {
		code, out, errs := runDeid(t, args...)
		if code == 0 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, %q, %s; want %q", args, code, out, errs, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "[hx]*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	t.Setenv("NOROSHI_PASSPHRASE", "")
	if code, _, errs := runDeid(t, "split", file, "-o", filepath.Join(dir, "h")); code != 2 || !strings.Contains(errs, "There is no passphrase") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// newRunWith is a folder whose vault is something else.
func newRunWith(t *testing.T, dir string) string {
	t.Helper()
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, vaultFile), []byte("noroshi-deid-public/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return run
}
