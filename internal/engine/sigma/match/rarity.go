package match

// rarity guesses how often texts turn up in logs, from the rules alone: bytes
// that many rules name (powershell, \windows\system32) are those that logs are
// full of. The figures only serve to choose between witnesses; a bad guess
// costs time and never a hit.
type rarity struct {
	grams []uint16 // by hash of three bytes
	texts map[string]int
	slots []int // tests of each field
}

func newRarity() rarity {
	r := rarity{grams: make([]uint16, 1<<hintBits), texts: map[string]int{}}
	for _, text := range usual {
		r.learn(fold(text), 300)
	}
	return r
}

// usual are texts that logs are full of, beyond what rules say.
var usual = [...]string{
	`C:\Windows\System32\`, `C:\Program Files (x86)\`, `C:\ProgramData\Microsoft\`, `C:\Users\`, `\AppData\Local\Temp\`, `C:\Windows\SysWOW64\`,
	`C:\Windows\SYSTEM32\ntdll.dll+`, `C:\Windows\System32\KERNELBASE.dll+`, `|C:\Windows\System32\RPCRT4.dll+`, `|C:\Windows\System32\KERNEL32.DLL+`, `\svchost.exe`, `\lsass.exe`, `\services.exe`,
	`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\`, `HKLM\SYSTEM\CurrentControlSet\Services\`, `\REGISTRY\MACHINE\SYSTEM\`, `HKU\S-1-5-21-`,
	`Microsoft® Windows® Operating System`, `Microsoft Corporation`, `NT AUTHORITY\SYSTEM`, `svchost.exe`, `.exe`, `.dll`, `explorer.exe`,
	`Microsoft-Windows-`, `WindowsPowerShell\v1.0\powershell.exe`, `http://`, `https://`, `.com/`, `Version=`, `Value`, `System.`, `HostApplication=`,
	`function`, `parameter`, `string`, `object`, `true`, `false`, `-Command`, `-Name`, `/usr/bin/`, `/etc/`, `0x000000`, `0x1000`, `0x1400`, `0x1fffff`,
	`2020-`, `2024-`, `username`, `delete`, `format`, `CreateKey`, `SetValue`,
}

// learn notes a text that turns up so many times.
func (r *rarity) learn(text string, times int) {
	r.texts[text] += times
	for i := 0; i+gramSize <= len(text); i++ {
		n := &r.grams[hintAt(gramAt(text, i))]
		*n = uint16(min(int(*n)+times, 1<<16-1))
	}
}

// rarest returns the place of the run three bytes, each one place after the
// last, that were seen the fewest times together, and how often that was. The
// end of text is avoided, so that a byte follows.
func (r *rarity) rarest(text string, run int) (at, seen int) {
	seen = 1 << 30
	last := min(max(len(text)-gramSize-run, 0), 1<<16-1-run)
	for i := range last + 1 {
		n := 0
		for k := range run {
			n += int(r.grams[hintAt(gramAt(text, i+k))])
		}
		if n < seen {
			at, seen = i, n
		}
	}
	return at, seen
}

// place is rarest for those who do not ask how often.
func (r *rarity) place(text string, run int) int {
	at, _ := r.rarest(text, run)
	return at
}

// text is how often a text is expected inside values.
func (r *rarity) text(text string) float64 {
	switch len(text) {
	case 0, 1:
		return 5000
	case 2:
		return 500
	}
	_, seen := r.rarest(text, 1)
	n := float64(1 + seen + r.texts[text])
	return n * n / 1000 // many rare texts are better than one usual one
}

// need is how often one of the texts of a need is expected inside values.
func (r *rarity) need(n need) float64 {
	sum := 0.0
	for _, t := range n {
		sum += r.text(t)
	}
	return sum
}

// edge is how often values are expected to begin or end with text.
func (r *rarity) edge(text string) float64 { return r.text(text) / 2 }

// value is how often values are expected to be text.
func (r *rarity) value(text string) float64 {
	n := r.text(text) + float64(r.texts[text])
	if len(text) < 6 {
		n += 100 // such as the number of an event
	}
	return n
}

// field is how dear a look at each value of a field is.
func (r *rarity) field(s slot) float64 { return 3000 + 10*float64(r.slots[s]) }

// row is how dear a look at every row is.
func (r *rarity) row() float64 { return 1e6 }
