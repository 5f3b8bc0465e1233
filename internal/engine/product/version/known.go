package version

import (
	"strings"

	"noroshi/internal/engine/product/cpe"
)

// SchemeOf says by which scheme the maker of a product numbers it. What is not
// known is Generic.
func SchemeOf(part, vendor, product cpe.Value) Scheme {
	p := string(product)
	switch vendor {
	case "cisco":
		switch p {
		case "nx-os", "nxos", "nx_os", "nx-os_software":
			return NXOS
		case "ios", "ios_xe", "ios_xr", "ios_xe_sd-wan", "ios_xe_software", "ios_software",
			"adaptive_security_appliance_software", "adaptive_security_appliance", "asa", "asa_software",
			"firepower_threat_defense", "firepower_threat_defense_software", "secure_firewall_threat_defense", "ftd",
			"firepower_management_center", "secure_firewall_management_center", "firepower_extensible_operating_system", "fxos":
			return Cisco
		}
	case "juniper", "juniper_networks":
		if p == "junos" || p == "junos_os" || strings.HasPrefix(p, "junos_os_evolved") {
			return Junos
		}
	case "paloaltonetworks", "palo_alto_networks":
		switch p {
		case "pan-os", "pan_os", "panorama", "prisma_access", "globalprotect":
			return PANOS
		}
	case "fortinet":
		return FortiOS
	case "ivanti", "pulsesecure", "pulse_secure":
		switch p {
		case "connect_secure", "pulse_connect_secure", "policy_secure", "pulse_policy_secure",
			"neurons_for_zero-trust_access", "neurons_for_zta_gateways", "zta_gateways", "zero_trust_access_gateway", "secure_access_client":
			return Ivanti
		}
	case "oracle", "sun", "openjdk":
		switch p {
		case "jdk", "jre", "java_se", "openjdk":
			return Java
		}
	case "golang":
		if p == "go" { // the Go vulnerability database bounds by 1.27.0-0
			return SemVer
		}
	case "minio":
		if p == "minio" {
			return Date
		}
	}
	return Generic
}

// SchemeOfPackage says by which scheme packages of a PURL type are numbered
// (purl-spec, types). What is not known is Generic.
func SchemeOfPackage(purlType string) Scheme {
	switch strings.ToLower(purlType) {
	case "npm", "golang", "cargo", "hex", "swift", "pub", "nuget", "github", "githubactions":
		return SemVer
	case "deb":
		return Debian
	case "rpm":
		return RPM
	case "maven":
		return Maven
	case "pypi":
		return PEP440
	case "gem":
		return Gem
	case "apk":
		return Alpine
	}
	return Generic
}

// Join makes one text of the version and update attributes of a name, so that
// it stands in the order of the scheme where the maker's own text would: junos
// 21.4 and r3-s2, pan-os 10.1.6 and h3, ios 15.2 and (4)m3, 12.2 and sp1. An
// update that is empty, "-" or "*" says nothing; one of no version ("-") stands
// alone, one of any version says nothing either. Both are plain text, not
// escaped.
func Join(version, update string) string {
	version, update = strings.Trim(version, " "), strings.Trim(update, " ")
	switch update {
	case "", "-", "*":
		return version
	}
	switch version {
	case "", "*":
		return version
	case "-": // visual_studio_2015:-:update3 has no version but its updates
		return update
	}
	if update[0] == '(' {
		return version + update
	}
	// A single letter and a number are written without a hyphen by the makers
	// who use them: 9.8p1, 22.7r2.5, 3.7.0a3. Hotfixes and milestones are not.
	if len(update) > 1 && letter(update[0]) && digit(update[1]) && update[0]|0x20 != 'h' && update[0]|0x20 != 'm' && digit(version[len(version)-1]) {
		return version + update
	}
	return version + "-" + update
}
