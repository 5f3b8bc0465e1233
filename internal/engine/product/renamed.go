package product

import (
	"slices"
	"strings"

	"noroshi/internal/engine/product/cpe"
)

// formerly lists names of one software product each, a line a product: makers
// were bought, products were given other names, and coordinators abbreviate.
// What was said under one name holds for the product under every other; its
// versions go on. Hardware is not meant.
const formerly = `
pulsesecure:pulse_connect_secure ivanti:connect_secure
pulsesecure:pulse_policy_secure ivanti:policy_secure
mobileiron:core ivanti:endpoint_manager_mobile
mobileiron:sentry ivanti:mobileiron_sentry ivanti:standalone_sentry
citrix:application_delivery_controller citrix:application_delivery_controller_firmware citrix:netscaler_application_delivery_controller citrix:netscaler_application_delivery_controller_firmware
citrix:gateway citrix:gateway_firmware citrix:netscaler_gateway citrix:netscaler_gateway_firmware
cisco:asa cisco:adaptive_security_appliance_software
synacor:zimbra_collaboration_suite zimbra:collaboration
ipswitch:moveit_transfer progress:moveit_transfer
ipswitch:whatsup_gold progress:whatsup_gold
vmware:vrealize_operations vmware:aria_operations
vmware:vrealize_log_insight vmware:aria_operations_for_logs
vmware:vrealize_network_insight vmware:aria_operations_for_networks
`

// otherNames returns the other names that software goes by, nil for nearly all.
func otherNames(name cpe.Name) (out []cpe.Name) {
	if name.Part != "a" && name.Part != "o" || !names(name.Vendor) || !names(name.Product) {
		return nil
	}
	own := string(name.Vendor) + ":" + string(name.Product)
	at := strings.Index(formerly, own)
	for at >= 0 {
		end := at + len(own)
		if strings.ContainsRune(" \n", rune(formerly[at-1])) && strings.ContainsRune(" \n", rune(formerly[end])) {
			from, to := strings.LastIndexByte(formerly[:at], '\n')+1, end+strings.IndexByte(formerly[end:], '\n')
			for other := range strings.FieldsSeq(formerly[from:to]) {
				if other != own {
					vendor, ware, _ := strings.Cut(other, ":")
					out = append(out, cpe.Name{Part: name.Part, Vendor: cpe.Value(vendor), Product: cpe.Value(ware)})
				}
			}
			return out
		}
		next := strings.Index(formerly[end:], own)
		if next < 0 {
			return nil
		}
		at = end + next
	}
	return nil
}

// renamed reports whether a line speaks of the subject by another of its names.
func (v *view) renamed(l *line) bool { return l.key != "" && slices.Contains(v.others, l.key) }
