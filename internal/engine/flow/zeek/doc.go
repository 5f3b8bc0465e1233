// Package zeek reads the logs of the Zeek network monitor (conn, dns, ssl,
// http, quic, ssh, kerberos and rdp; tab-separated or JSON, plain or
// compressed) into records. What a line says and a record cannot hold is
// dropped while the line is read: of a URI its template stays, of a name its
// bounded form.
//
// Lines of one connection in several logs are not joined, because that would
// need memory for every open connection: each line becomes a record that knows
// what its log knows. Volumes stand in records from conn only; the others have
// no packets.
//
// Formats: https://docs.zeek.org/en/current/log-formats.html and the fields of
// base/protocols/*/main.zeek.
package zeek
