package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"noroshi/internal/base/fault"
)

// Client goes out by a policy: for feeds and for messages to other programs.
// Names are resolved once for each connection, every address is held against
// the policy, and what was checked is what is dialled, so that a name which
// changes its address in between leads nowhere.
type Client struct {
	policy Policy
	http   *http.Client
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	stall  time.Duration // without a byte

	mu   sync.Mutex
	busy map[string]chan struct{} // files being put together, by path; closed when done
}

// NewClient returns a client. A proxy that cannot be one is a fault.
func NewClient(p Policy) (*Client, error) {
	if p.MaxBytes <= 0 {
		p.MaxBytes = maxFile
	}
	if p.Timeout <= 0 {
		p.Timeout = maxTime
	}
	if p.Agent == "" {
		p.Agent = "noroshi"
	}
	c := &Client{policy: p, stall: time.Minute, busy: map[string]chan struct{}{}, lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
	t := &http.Transport{
		DialContext: c.dial, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: headTime, IdleConnTimeout: time.Minute,
		MaxConnsPerHost: 4, MaxIdleConns: 16, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		DisableCompression: true, // sums and ranges are of the file as it lies there
	}
	if p.Proxy != "" {
		u, err := url.Parse(p.Proxy)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fault.New(fault.Usage, "fetch.proxy", "url", shown(p.Proxy))
		}
		// The proxy is in our own network, by configuration; the names of
		// others are resolved by it, and only listed ones get that far.
		t.Proxy = http.ProxyURL(u)
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	c.http = &http.Client{Transport: t}
	return c, nil
}

// dial connects to a host by an address that the policy allows.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{a}
	} else if addrs, err = c.lookup(ctx, host); err != nil {
		return nil, err
	}
	var last error
	for _, a := range addrs[:min(len(addrs), 8)] {
		if !c.policy.allows(a) {
			last = fault.New(fault.Refused, "fetch.address", "url", host, "address", a.String())
			continue
		}
		d := net.Dialer{Timeout: 10 * time.Second}
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		last = err
	}
	if last == nil {
		last = errors.New("no address")
	}
	return nil, last
}

// request makes a request to where the policy allows.
func (c *Client) request(ctx context.Context, method, to string, body io.Reader) (*http.Request, error) {
	u, err := c.policy.Check(to)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "fetch.url", "url", shown(to)).Because(err)
	}
	req.Header.Set("User-Agent", c.policy.Agent)
	return req, nil
}

// follow sends a GET and follows redirects, each of which the policy has to
// allow; from https none leads to http.
func (c *Client) follow(req *http.Request) (*http.Response, error) {
	h := *c.http
	h.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fault.New(fault.Invalid, "fetch.redirects", "url", shown(req.URL.String()), "max", maxRedirects)
		}
		if _, err := c.policy.Check(next.URL.String()); err != nil {
			return err
		}
		if via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return fault.New(fault.Invalid, "fetch.scheme", "url", shown(next.URL.String()))
		}
		return nil
	}
	res, err := h.Do(req)
	return res, outward(req, err)
}

// outward turns an error of the way out into a fault; one of ours stays.
func outward(req *http.Request, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return fault.New(fault.Busy, "fetch.unreachable", "url", shown(req.URL.String())).Because(err)
}

// Reply is the answer to a Post.
type Reply struct {
	Status int
	Body   []byte        // the first 64 KiB
	After  time.Duration // what Retry-After asks for, 0 when nothing
}

// Post sends bytes as they are, such as a signed message, with the headers
// given, and follows no redirect. Every answer, whatever its status, is a
// Reply; the error is that there was none.
func (c *Client) Post(ctx context.Context, to string, header http.Header, body []byte) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	for k, v := range header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	h := *c.http
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := h.Do(req)
	if err != nil {
		return Reply{}, outward(req, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return Reply{}, outward(req, err)
	}
	return Reply{res.StatusCode, raw, retryAfter(res.Header)}, nil
}

// retryAfter reads seconds of Retry-After (RFC 9110 §10.2.3), at most a day; a
// date counts from the Date of the answer.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(min(n, 86400))*time.Second, 24*time.Hour)
	}
	at, err1 := http.ParseTime(v)
	now, err2 := http.ParseTime(h.Get("Date"))
	if err1 != nil || err2 != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), 24*time.Hour)
}
