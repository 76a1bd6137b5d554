# SPDX-License-Identifier: GPL-3.0-or-later
"""
Whether a page is HTML as our pages must be: well nested, of known elements, readable without style, without script.

    page = Page(text)        AssertionError names the line and what is wrong there
    page.links, page.ids, page.text, page.refresh
"""
import html.parser

VOID = {"meta", "link", "img", "br"}
SVG = {"svg", "rect", "path", "title", "g", "text", "clipPath"}
BLOCKS = {"address", "article", "div", "dl", "details", "figure", "footer", "form", "h1", "h2", "h3", "header", "main", "nav",
    "ol", "p", "pre", "section", "table", "ul"}
PHRASING_ONLY = {"p", "h1", "h2", "h3", "pre", "span", "a", "code", "bdi", "b", "time", "title", "dt"}
PARENTS = {"li": {"ul", "ol"}, "tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"}, "thead": {"table"}, "tbody": {"table"},
    "dt": {"dl"}, "dd": {"dl"}, "summary": {"details"}, "figcaption": {"figure"}, "head": {"html"}, "body": {"html"},
    "main": {"body"}, "style": {"head"}, "meta": {"head"}, "link": {"head"}}
CHILDREN = {"ul": {"li"}, "ol": {"li"}, "tr": {"td", "th"}, "table": {"thead", "tbody"}, "thead": {"tr"}, "tbody": {"tr"},
    "dl": {"dt", "dd"}, "html": {"head", "body"}}
KNOWN = VOID | SVG | BLOCKS | PHRASING_ONLY | set(PARENTS) | {"html", "figcaption"}
GLOBAL = {"class", "id", "role", "title", "lang", "tabindex"}
ATTRIBUTES = {"a": {"href"}, "meta": {"charset", "name", "content", "http-equiv"}, "link": {"rel", "type", "href"},
    "img": {"src", "alt", "height", "width"}, "th": {"scope"}, "time": {"datetime"}, "details": {"open"},
    "svg": {"viewbox", "preserveaspectratio"}, "rect": {"x", "y", "width", "height"}, "path": {"d"}}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.references, self.links, self.headings, self.refresh = [], set(), [], [], [], None
        self.text, self.lang = "", None
        if not text.startswith("<!DOCTYPE html>\n"):
            raise AssertionError("it does not begin with its doctype")
        self.feed(text)
        self.close()
        if self.open:
            self.fail(f"never closed: {self.open}")
        for reference in self.references:
            if reference not in self.ids:
                self.fail(f"nothing is called {reference}")
        if self.headings.count(1) != 1:
            self.fail(f"first headings: {self.headings.count(1)}")
        for before, after in zip(self.headings, self.headings[1:]):
            if after > before + 1:
                self.fail(f"a heading {after} under a heading {before}")
        if not self.lang:
            self.fail("no language")

    def fail(self, what):
        raise AssertionError(f"line {self.getpos()[0]}: {what}")

    def handle_starttag(self, tag, attrs):
        self._begin(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._begin(tag, attrs)
        if tag not in VOID and tag not in SVG:
            self.fail(f"<{tag}/> is not closed by that")

    def _begin(self, tag, attrs):
        names = [name for name, _ in attrs]
        values = dict(attrs)
        parent = self.open[-1] if self.open else None
        if tag not in KNOWN:
            self.fail(f"an element <{tag}>")
        if len(names) != len(set(names)):
            self.fail(f"an attribute twice in <{tag}>")
        for name in names:
            if name not in GLOBAL and name not in ATTRIBUTES.get(tag, ()) and not name.startswith("aria-"):
                self.fail(f"an attribute {name} of <{tag}>")
        if tag in PARENTS and parent not in PARENTS[tag]:
            self.fail(f"<{tag}> in <{parent}>")
        if parent in CHILDREN and tag not in CHILDREN[parent]:
            self.fail(f"<{tag}> in <{parent}>")
        if tag in BLOCKS and any(one in PHRASING_ONLY for one in self.open):
            self.fail(f"a block <{tag}> in {self.open}")
        if tag == "a" and "a" in self.open:
            self.fail("a link in a link")
        if tag == "img" and "alt" not in values:
            self.fail("a picture without words")
        if tag == "svg" and values.get("role") == "img" and not values.get("aria-label"):
            self.fail("a picture without words")
        if "id" in values:
            if values["id"] in self.ids:
                self.fail(f"two are called {values['id']}")
            self.ids.add(values["id"])
        self.references += values.get("aria-labelledby", "").split()
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
            if values["href"].startswith("#"):
                self.references.append(values["href"][1:])
        if tag == "meta" and values.get("http-equiv") == "refresh":
            self.refresh = values["content"]
        if tag == "html":
            self.lang = values.get("lang")
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.fail(f"</{tag}> closes something else")

    def handle_data(self, data):
        parent = self.open[-1] if self.open else None
        if parent in CHILDREN and data.strip():
            self.fail(f"text in <{parent}>: {data.strip()[:40]!r}")
        if parent != "style":
            self.text += data

    def handle_comment(self, data):
        self.fail("a comment")

    def handle_pi(self, data):
        self.fail("a processing instruction")

    def unknown_decl(self, data):
        self.fail("a declaration")

