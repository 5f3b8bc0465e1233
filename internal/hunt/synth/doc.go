// Package synth makes up a day of logs of an organisation that does not exist:
// workstations, servers and a VPN appliance, what people and programs do on them
// all day, and an intruder planted into it. One seed gives one day, line for
// line. The demo hunts in it, tests find in it what was planted.
//
// Windows machines log as JSON lines in the form of Winlogbeat 8 (Sysmon and the
// Security channel), Linux machines as auditd records and as syslog (RFC 5424),
// the appliance as FortiGate events. Addresses inside are in 10.20.0.0/16, those
// of staff at home in 198.18.0.0/15 (RFC 2544), the intruder's in 203.0.113.0/24
// (RFC 5737): nobody's. Names are under the domain that is given.
package synth
