package feed

import (
	"strings"

	purl "github.com/package-url/packageurl-go"
)

// barePURL returns a package URL without version, qualifiers and subpath;
// empty when it is none.
func barePURL(s string) string {
	if !strings.HasPrefix(s, "pkg:") || len(s) > 1000 {
		return ""
	}
	u, err := purl.FromString(s)
	if err != nil {
		return ""
	}
	return purl.NewPackageURL(u.Type, u.Namespace, u.Name, "", nil, "").ToString()
}

// collections are the places packages come from, by the host of
// "collectionURL" in CVE records.
var collections = map[string]string{
	"registry.npmjs.org": "npm", "www.npmjs.com": "npm", "npmjs.com": "npm",
	"pypi.org": "pypi", "pypi.python.org": "pypi",
	"rubygems.org": "gem", "crates.io": "cargo", "packagist.org": "composer",
	"repo.maven.apache.org": "maven", "repo1.maven.org": "maven", "central.sonatype.com": "maven", "mvnrepository.com": "maven",
	"pkg.go.dev": "golang", "proxy.golang.org": "golang",
	"nuget.org": "nuget", "www.nuget.org": "nuget", "api.nuget.org": "nuget", "hex.pm": "hex", "pub.dev": "pub", "hackage.haskell.org": "hackage",
}

// collected returns the package URL of a package of a well-known collection.
func collected(collection, name string) string {
	host := strings.TrimPrefix(strings.TrimPrefix(collection, "https://"), "http://")
	host, path, _ := strings.Cut(host, "/")
	if host == "access.redhat.com" && strings.HasPrefix(path, "downloads/content/package-browser") {
		return packageURL("rpm", "redhat", name)
	}
	return packageOf(collections[strings.ToLower(host)], name)
}

// packageOf returns the package URL of a name as its own registry writes it.
func packageOf(kind, name string) string {
	name = strings.TrimSpace(name)
	if kind == "" || name == "" || len(name) > 400 || strings.ContainsAny(name, " \t\n") {
		return ""
	}
	namespace := ""
	switch kind {
	case "maven":
		group, artifact, ok := strings.Cut(name, ":")
		if !ok {
			return ""
		}
		namespace, name = group, artifact
	case "npm", "composer", "golang", "githubactions", "swift":
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			namespace, name = name[:i], name[i+1:]
		}
	case "pypi":
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	}
	return packageURL(kind, namespace, name)
}

func packageURL(kind, namespace, name string) string {
	if name == "" {
		return ""
	}
	u := purl.NewPackageURL(kind, namespace, name, "", nil, "")
	if err := u.Normalize(); err != nil {
		return ""
	}
	return u.ToString()
}
