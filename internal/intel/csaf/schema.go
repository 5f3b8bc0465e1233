package csaf

// The schemas of CSAF 2.0 and 2.1 as tables. What CVSS and SSVC define is
// checked by their own shapes (schema_cvss.go) under tests 6.1.8 and 6.1.46.

const (
	langPattern    = `^(([A-Za-z]{2,3}(-[A-Za-z]{3}(-[A-Za-z]{3}){0,2})?|[A-Za-z]{4,8})(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[A-WY-Za-wy-z0-9](-[A-Za-z0-9]{2,8})+)*(-[Xx](-[A-Za-z0-9]{1,8})+)?|[Xx](-[A-Za-z0-9]{1,8})+|[Ii]-[Dd][Ee][Ff][Aa][Uu][Ll][Tt]|[Ii]-[Mm][Ii][Nn][Gg][Oo])$`
	versionPattern = `^(0|[1-9][0-9]*)$|^((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?)$`
	cpeSpecial     = `(\\[\\*?!"#$%&'()+,/:;<=>@\[\]^` + "`" + `{|}~])`
	cpePart        = `(((\?*|\*?)([a-zA-Z0-9\-._]|` + cpeSpecial + `)+(\?*|\*?))|[*\-])`
	cpePattern     = `^(cpe:2\.3:[aho*\-](:` + cpePart + `){5}(:(([a-zA-Z]{2,3}(-([a-zA-Z]{2}|[0-9]{3}))?)|[*\-]))(:` + cpePart + `){4}|[cC][pP][eE]:/[AHOaho]?(:[A-Za-z0-9._\-~%]*){0,6})$`
	titlePattern   = `^[^\s\-_.](.*[^\s\-_.])?$`
	uuidPattern    = `^(([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})|(0{8}-(0{4}-){3}0{12})|(f{8}-(f{4}-){3}f{12}))$`
	sharePattern   = `^((0\.[0-9]+)|(1\.0+))$`
	vexLabels      = "component_not_present inline_mitigations_already_exist vulnerable_code_cannot_be_controlled_by_adversary vulnerable_code_not_in_execute_path vulnerable_code_not_present"
)

// Schema20 and schema21 hold the shapes of a document of either version.
var (
	schema20 = documentShape("2.0")
	schema21 = documentShape("2.1").closing(map[*shape]bool{})
)

// documentShape builds the shape of a document. v is "2.0" or "2.1".
func documentShape(v string) *shape {
	is21 := v == "2.1"
	pick := func(a, b string) string {
		if is21 {
			return b
		}
		return a
	}
	with := func(s *shape, f fields) *shape {
		if is21 {
			for k, x := range f {
				s.fields[k] = x
			}
		}
		return s
	}
	ids := func() *shape { return set(word()) }
	// In 2.1 nearly everything can be said of some products only.
	scoped := func(s *shape) *shape { return with(s, fields{"group_ids": ids(), "product_ids": ids()}) }
	extensions := func() *shape { return &shape{kind: list, minItems: 1, distinct: true, items: &shape{kind: object}} }

	acknowledgments := arr(obj("", fields{
		"names": arr(word()), "organization": word(), "summary": word(), "urls": arr(link()),
	}).least(1))
	notes := func() *shape {
		return arr(scoped(obj("category text", fields{
			"audience": word(), "text": word(), "title": word(),
			"category": one("description details faq general legal_disclaimer other summary"),
		})))
	}
	references := arr(obj("summary url", fields{"category": one("external self"), "summary": word(), "url": link()}))
	lang, number := like(langPattern), like(versionPattern)

	document := obj("category csaf_version "+pick("", "distribution ")+"publisher title tracking", fields{
		"acknowledgments":    acknowledgments,
		"aggregate_severity": obj("text", fields{"namespace": link(), "text": word()}),
		"category":           like(titlePattern),
		"csaf_version":       one(v),
		"distribution":       distributionShape(is21),
		"lang":               lang,
		"notes":              notes(),
		"publisher": obj("category name namespace", fields{
			"category":        one("coordinator discoverer other translator user vendor" + pick("", " multiplier")),
			"contact_details": word(), "issuing_authority": word(), "name": word(), "namespace": link(),
		}),
		"references":  references,
		"source_lang": lang,
		"title":       word(),
		"tracking": obj("current_release_date id initial_release_date revision_history status version", fields{
			"aliases":              ids(),
			"current_release_date": instant(),
			"generator":            obj("engine", fields{"date": instant(), "engine": obj("name", fields{"name": word(), "version": word()})}),
			"id":                   like(`^\S(.*\S)?$`),
			"initial_release_date": instant(),
			"revision_history": arr(obj("date number summary", fields{
				"date": instant(), "legacy_version": word(), "number": number, "summary": word(),
			})),
			"status": one("draft final interim"), "version": number,
		}),
	})
	with(document, fields{"license_expression": word(), "x_extensions": extensions()})

	root := obj(pick("document", "$schema document"), fields{
		"document":        document,
		"product_tree":    treeShape(is21, extensions),
		"vulnerabilities": arr(vulnerabilityShape(is21, acknowledgments, notes(), references, scoped, extensions)),
	})
	root.fields["$schema"] = link()
	if is21 {
		root.fields["$schema"] = one("https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json")
		root.fields["x_extensions"] = extensions()
	}
	return root
}

func distributionShape(is21 bool) *shape {
	labels := "AMBER GREEN RED WHITE"
	if is21 {
		labels = "AMBER AMBER+STRICT CLEAR GREEN RED"
	}
	d := obj("", fields{"text": word(), "tlp": obj("label", fields{"label": one(labels), "url": link()})}).least(1)
	if is21 {
		d.required, d.members = []string{"tlp"}, 0
		d.fields["sharing_group"] = obj("id", fields{"id": like(uuidPattern), "name": word()})
	}
	return d
}

func treeShape(is21 bool, extensions func() *shape) *shape {
	helper := obj("", fields{
		"cpe": like(cpePattern),
		"hashes": arr(obj("file_hashes filename", fields{
			"filename":    word(),
			"file_hashes": arr(obj("algorithm value", fields{"algorithm": word(), "value": like(`^[0-9a-fA-F]{32,}$`)})),
		})),
		"model_numbers": set(word()), "serial_numbers": set(word()), "skus": arr(word()),
		"sbom_urls":      arr(link()),
		"x_generic_uris": arr(obj("namespace uri", fields{"namespace": link(), "uri": link()})),
	}).least(1)
	purl := like(`^pkg:[A-Za-z.\-+][A-Za-z0-9.\-+]*/.+`)
	purl.format = uri
	helper.fields["purl"] = purl
	categories := "architecture host_name language patch_level product_family product_name product_version product_version_range service_pack specification vendor"
	full := obj("name product_id", fields{"name": word(), "product_id": word(), "product_identification_helper": helper})
	if is21 {
		delete(helper.fields, "purl")
		purl = like(`^pkg:[a-z][a-z0-9.\-]*/.+`)
		purl.format = uri
		helper.fields["purls"] = set(purl)
		hashes := helper.fields["hashes"]
		hashes.distinct = true
		file := hashes.items.fields["file_hashes"]
		file.distinct = true
		file.items.fields["algorithm"] = like(`^[0-9a-z][0-9a-z-]*$`)
		file.items.fields["value"] = like(`^[0-9a-f]{32,}$`)
		helper.fields["skus"].distinct = true
		helper.fields["sbom_urls"].distinct = true
		helper.fields["x_generic_uris"].distinct = true
		full.fields["x_extensions"] = extensions()
		categories += " platform"
	} else {
		categories += " legacy"
	}
	branch := obj("category name", fields{"category": one(categories), "name": word(), "product": full}).least(3)
	branch.atMost = 3
	branch.fields["branches"] = arr(branch)
	kinds := one("default_component_of external_component_of installed_on installed_with optional_component_of")
	members := set(word())
	members.minItems = 2
	tree := obj("", fields{
		"branches":           arr(branch),
		"full_product_names": arr(full),
		"product_groups":     arr(obj("group_id product_ids", fields{"group_id": word(), "product_ids": members, "summary": word()})),
	}).least(1)
	if is21 {
		tree.fields["product_paths"] = arr(obj("beginning_product_reference full_product_name subpaths", fields{
			"beginning_product_reference": word(), "full_product_name": full,
			"subpaths": arr(obj("category next_product_reference", fields{"category": kinds, "next_product_reference": word()})),
		}))
	} else {
		tree.fields["relationships"] = arr(obj("category full_product_name product_reference relates_to_product_reference", fields{
			"category": kinds, "full_product_name": full, "product_reference": word(), "relates_to_product_reference": word(),
		}))
	}
	return tree
}
