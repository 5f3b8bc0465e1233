package oversight

// deskSays is what the acts of the commission's desk say in clear.
var deskSays = map[string]string{
	"plan":     "commitment sha number word plan id ?since time strata list",
	"reveal":   "nonce sha number word plan id",
	"draw":     "number word place n plan id population list root word sample places seed sha",
	"check":    "number word place n plan id result word",
	"unseal":   wishSays,
	"open":     "asker name body name entry id ground word number word opening id verified bool",
	"withhold": wishSays,
	"look":     wishSays,
	"forget":   wishSays,
	"replay":   "alarms n gaps n root word size n violations n",
}

// wishSays is what acts on a wish to open a sealed part say.
const wishSays = "asker name body name entry id ground word number word opening id"

// paperSays is what acts on a notice, a request or a recommendation say.
const paperSays = "act word body name ?digests list ?due time entries places ?from word kind word number word paper id ?rule word to word"

// byClock are the acts of the desk that the clock may do.
var byClock = map[string]bool{"draw": true, "forget": true, "remind": true, "replay": true}

// deskVerbs are the acts of the commission's desk.
func deskVerbs() map[string]need {
	all := map[string]need{}
	for verb, says := range deskSays {
		all["oversight."+verb] = need{person: !byClock[verb], shapes: only(says)}
	}
	for _, s := range paperSteps {
		all["oversight."+s.act] = need{person: !byClock[s.act], shapes: only(paperSays)}
	}
	all["oversight.remind"] = need{shapes: []shape{marked("paper", paperSays), marked("opening", "act word asker name body name due time entry id ground word number word opening id")}}
	return all
}
