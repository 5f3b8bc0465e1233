package record

func (p *Parser) mail(key []byte) bool {
	m := &p.room.mail
	switch string(key) {
	case "commands":
		return number(p, &m.Commands)
	case "errors":
		return number(p, &m.Errors)
	case "messages":
		return number(p, &m.Messages)
	case "recipients":
		return number(p, &m.Recipients)
	case "message_bytes":
		return number(p, &m.MessageBytes)
	case "auth_tries":
		return number(p, &m.AuthTries)
	case "auth_failures":
		return number(p, &m.AuthFailures)
	case "starttls":
		return p.yes(&m.StartTLS)
	case "authenticated":
		return p.yes(&m.Authenticated)
	case "greeting":
		return p.agent(&m.Greeting)
	}
	return false
}

// counts reads how often which operation was asked for, in the order of the list.
func (p *Parser) counts(to []Count) bool {
	n := 0
	p.object(func(p *Parser, key []byte) bool {
		v, ok := digitsOf(key)
		if !ok || v > 255 || n == len(to) {
			return false
		}
		to[n].Operation = Operation(v)
		number(p, &to[n].Times)
		n++
		return true
	})
	return true
}

func (p *Parser) smb(key []byte) bool {
	s := &p.room.smb
	switch string(key) {
	case "version":
		return number(p, &s.Version)
	case "dialect":
		s.Dialect = uint16(p.code(4))
	case "encrypted":
		return p.yes(&s.Encrypted)
	case "signed":
		return p.yes(&s.Signed)
	case "commands":
		return p.counts(s.Commands[:])
	case "failures":
		return number(p, &s.Failures)
	case "logons":
		return number(p, &s.Logons)
	case "logon_failures":
		return number(p, &s.LogonFails)
	case "ntlm":
		return p.yes(&s.NTLM)
	case "admin_share":
		return p.yes(&s.AdminShare)
	case "pipes":
		p.array(len(pipeWords), func(p *Parser, _ int) {
			w := p.str()
			for i, name := range pipeWords {
				if string(w) == name {
					s.Pipes |= 1 << i
					return
				}
			}
			p.fail()
		})
	case "shares":
		return p.hashes(s.Shares[:])
	case "files":
		return number(p, &s.Files)
	case "file_bytes":
		return pairOf(p, &s.FileBytes)
	case "user":
		return p.hash(&s.User)
	case "host":
		return p.hash(&s.Host)
	default:
		return false
	}
	return true
}

func (p *Parser) rdp(key []byte) bool {
	r := &p.room.rdp
	switch string(key) {
	case "requested":
		return number(p, &r.Requested)
	case "selected":
		return number(p, &r.Selected)
	case "failure":
		return number(p, &r.Failure)
	case "cookie":
		return p.hash(&r.Cookie)
	case "build":
		return number(p, &r.Build)
	case "width":
		return number(p, &r.Width)
	case "height":
		return number(p, &r.Height)
	case "client":
		return p.hash(&r.Client)
	}
	return false
}

func (p *Parser) kerberos(key []byte) bool {
	k := &p.room.kerberos
	switch string(key) {
	case "messages":
		return p.counts(k.Messages[:])
	case "error":
		return number(p, &k.Error)
	case "failures":
		return number(p, &k.Failures)
	case "etype":
		return p.signed(&k.EType)
	case "weakest":
		return p.signed(&k.Weakest)
	case "realm":
		return p.hash(&k.Realm)
	case "client":
		return p.hash(&k.Client)
	case "service":
		return wordOf(p, serviceWords[:], &k.Service)
	case "services":
		return p.hashes(k.Services[:])
	}
	return false
}

// signed reads a number with or without a sign.
func (p *Parser) signed(to *int32) bool {
	if p.peek() == '-' {
		p.at++
		*to = int32(-int64(p.uint(1 << 31)))
	} else {
		*to = int32(p.uint(1<<31 - 1))
	}
	return true
}

func (p *Parser) ldap(key []byte) bool {
	l := &p.room.ldap
	switch string(key) {
	case "operations":
		return p.counts(l.Operations[:])
	case "result":
		return number(p, &l.Result)
	case "failures":
		return number(p, &l.Failures)
	case "bind":
		return number(p, &l.BindKind)
	case "entries":
		return number(p, &l.Entries)
	case "bases":
		return p.hashes(l.Bases[:])
	case "starttls":
		return p.yes(&l.StartTLS)
	case "wide":
		return p.yes(&l.Wide)
	}
	return false
}

func (p *Parser) control(key []byte) bool {
	c := &p.room.control
	switch string(key) {
	case "functions":
		return p.set(&c.Functions)
	case "units":
		return p.set(&c.Units)
	case "requests":
		return number(p, &c.Requests)
	case "writes":
		return number(p, &c.Writes)
	case "stops":
		return number(p, &c.Stops)
	case "exceptions":
		return number(p, &c.Exceptions)
	case "source":
		return number(p, &c.Source)
	case "target":
		return number(p, &c.Target)
	}
	return false
}

// set reads the numbers of a set of bits.
func (p *Parser) set(to *[4]uint64) bool {
	p.array(256, func(p *Parser, _ int) {
		v := p.uint(255)
		to[v/64] |= 1 << (v % 64)
	})
	return true
}
