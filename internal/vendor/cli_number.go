package vendor

import (
	"context"
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
)

// caseNumber reads a case number in any spelling: small letters, full width,
// without its hyphens. It is empty when s is none.
func caseNumber(s string) string {
	s = strings.ToUpper(norm.NFKC.String(strings.TrimSpace(s)))
	rest, ok := strings.CutPrefix(s, "V")
	if rest = strings.ReplaceAll(rest, "-", ""); !ok || len(rest) != 8 || strings.Trim(rest, numberLetters) != "" {
		return ""
	}
	return "V-" + rest[:4] + "-" + rest[4:]
}

// maxLooked bounds through how many pages of one's own requests a number is
// looked for.
const maxLooked = 20

// requestID returns the id of the request that a case number means among the
// caller's own: the list knows no others. Anything else comes back as it is.
func requestID(ctx context.Context, hub *fetch.Hub, given string) (string, error) {
	number := caseNumber(given)
	if number == "" {
		return given, nil
	}
	q := url.Values{"done": {"true"}, "limit": {"500"}}
	var ids []string
	for range maxLooked {
		var got struct {
			Items []Row  `json:"items"`
			Next  string `json:"next,omitempty"`
		}
		if err := hub.Do(ctx, "GET", "/api/v1/vendor-requests?"+q.Encode(), nil, &got, ""); err != nil {
			return "", err
		}
		for _, x := range got.Items {
			if x.Case.Number == number {
				ids = append(ids, x.Request.ID)
			}
		}
		if got.Next == "" {
			break
		}
		q.Set("cursor", got.Next)
	}
	switch len(ids) {
	case 0:
		return given, nil // the hub says that there is none
	case 1:
		return ids[0], nil
	}
	return "", fault.New(fault.Usage, "vendor.cli.several", "number", number, "n", len(ids), "ids", strings.Join(ids, ", "))
}
