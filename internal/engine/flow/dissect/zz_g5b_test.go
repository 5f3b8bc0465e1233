package dissect_test
import ("testing";"fmt";"os";"noroshi/internal/engine/flow/record";"strings")
func TestG5Recs(t *testing.T){ if os.Getenv("G5F")=="" {t.Skip("")}; b,_:=os.ReadFile(os.Getenv("G5F")); for _,r:=range records(t,b){ s:=string(record.AppendJSON(nil,&r)); if strings.Contains(s,os.Getenv("G5G")){fmt.Println(s)} } }
