/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/style.h"

/* Once for each theme: a name is the same thing in both. */
#define LIGHT                                                                                      \
	"--ground:#f5f6f8;--card:#ffffff;--line:#d9dde3;--edge:#868f9b;--ink:#1a1f26;"             \
	"--soft:#57606c;--link:#0a58b8;--green:#14703a;--red:#b3261e;--amber:#855300;"             \
	"--blue:#0a58b8;--grey:#57606c;--greenback:#dff3e5;--redback:#fce4e2;--amberback:#fbeccf;" \
	"--blueback:#dfebfa;--greyback:#e9ecf0;--bar:#2d9a5b;--barred:#cf4037;--bargrey:#8a939e;"
#define DARK                                                                                       \
	"--ground:#0f1216;--card:#171b21;--line:#2b323b;--edge:#77818d;--ink:#e7ebf0;"             \
	"--soft:#9ea9b6;--link:#86b9ff;--green:#63d18b;--red:#ff8f88;--amber:#ecbb5a;"             \
	"--blue:#86b9ff;--grey:#a7b1bd;--greenback:#12301e;--redback:#3f1a19;--amberback:#372908;" \
	"--blueback:#14294a;--greyback:#262c34;--bar:#3fae6d;--barred:#e8655d;--bargrey:#77818d;"

static const char ground[] =
    ":root{color-scheme:light dark;" LIGHT "}"
    "@media(prefers-color-scheme:dark){:root{" DARK "}}"
    "*{box-sizing:border-box}"
    "html{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;"
    "-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--ground);color:var(--ink);overflow-wrap:anywhere}"
    "a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:2px}"
    "a:hover{text-decoration-thickness:2px}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}"
    "img{max-width:100%;height:auto}"
    "code,pre,.mono{font:.875em/1.5 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',"
    "monospace}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem}"
    "h2{font-size:1.0625rem;margin:0 0 .5rem}"
    "h3{font-size:1rem;margin:1rem 0 .25rem}"
    "p{margin:0 0 .5rem}"
    ".skip{position:absolute;left:-99rem}"
    ".unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    ".skip:focus{left:1rem;top:.5rem;padding:.5rem 1rem;background:var(--card)}"
    "header,main,footer{max-width:76rem;margin:0 auto;padding:0 1rem}"
    "header{display:flex;flex-wrap:wrap;align-items:center;gap:0 1.5rem;padding-top:.5rem;"
    "padding-bottom:.5rem}"
    "header a{display:inline-block;padding:.6rem 0}"
    "header .home{font-weight:700;font-size:1.125rem;color:var(--ink);text-decoration:none}"
    "header .home:hover{text-decoration:underline}"
    ".plain{margin:0;padding:0;list-style:none}.plain li{padding:.2rem 0}"
    ".well{display:flex;flex-wrap:wrap;gap:.25rem .5rem;margin:0 0 0 "
    "auto;padding:0;list-style:none}"
    "footer{color:var(--soft);font-size:.875rem;padding-top:1rem;padding-bottom:2rem}"
    "footer a{display:inline-block;padding:.6rem 0;margin-right:1rem}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;"
    "margin:0 0 1rem;min-width:0}"
    ".lead{margin-bottom:1rem}.lead p{margin:0}"
    ".soft,.lead p{color:var(--soft)}"
    ".small{font-size:.875rem}"
    ".sides{display:grid;grid-template-columns:minmax(0,1fr);gap:0 1rem;align-items:start}"
    "@media(min-width:68rem){.sides{grid-template-columns:minmax(0,7fr) minmax(0,4fr)}}";
/* A state: a word, a shape, a colour. A level: its number, and so much of a line below it. */
static const char states[] =
    ".s{display:inline-block;font-weight:600;font-size:.875rem;line-height:1.5;padding:0 .5rem;"
    "border-radius:1rem;white-space:nowrap;color:var(--grey);background:var(--greyback)}"
    ".s::before{content:'\\2013';content:'\\2013'/'';margin-right:.35rem}"
    ".passed{color:var(--green);background:var(--greenback)}"
    ".passed::before{content:'\\2713';content:'\\2713'/''}"
    ".failed{color:var(--red);background:var(--redback)}"
    ".failed::before{content:'\\2715';content:'\\2715'/''}"
    ".running{color:var(--blue);background:var(--blueback)}"
    ".running::before{content:'\\25b8';content:'\\25b8'/''}"
    ".queued::before{content:'\\2026';content:'\\2026'/''}"
    ".error{color:var(--amber);background:var(--amberback)}"
    ".error::before{content:'!';content:'!'/''}"
    ".ended::before{content:'\\25a0';content:'\\25a0'/''}"
    ".unsure::before{content:'?';content:'?'/''}"
    ".flaky{color:var(--amber);background:var(--amberback)}"
    ".flaky::before{content:'\\223f';content:'\\223f'/''}"
    ".level{display:inline-block;min-width:2.25rem;padding:.1rem .25rem .3rem;text-align:center;"
    "font-weight:700;border-radius:6px;color:var(--grey);background:var(--greyback);"
    "border-bottom:3px solid var(--line)}"
    ".l0{color:var(--red);background:var(--redback);border-color:var(--barred)}"
    ".l1,.l2{color:var(--amber);background:var(--amberback);border-color:var(--amber)}"
    ".l3{color:var(--blue);background:var(--blueback);border-color:var(--blue)}"
    ".l4,.l5{color:var(--green);background:var(--greenback);border-color:var(--bar)}"
    ".level.big{font-size:1.75rem;min-width:3.5rem;padding:.25rem .5rem .4rem}"
    ".counts{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;margin:0;padding:0;list-style:none}"
    ".counts li{display:flex;align-items:center;gap:.5rem;color:var(--soft);font-size:.875rem}"
    ".head{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:flex-start;margin-bottom:1rem}"
    ".head>div{flex:1 1 16rem;min-width:0}";
/* Lists of runs; tables that scroll inside themselves. */
static const char lists[] =
    ".runs{margin:0;padding:0;list-style:none}"
    ".runs li{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 .75rem;padding:.5rem 0;"
    "border-top:1px solid var(--line)}"
    ".runs li:first-child{border-top:0}"
    ".runs p{margin:0;grid-column:1/-1}.runs p a{white-space:nowrap}"
    ".runs .what{font-weight:600}"
    ".runs .what a,td a,th a,.chips a{display:inline-block;padding:.3rem 0;min-height:2.1rem}"
    ".now{border-left:4px solid var(--blue)}.red{border-left:4px solid var(--barred)}"
    ".scroll{overflow-x:auto;margin:0 -.25rem;padding:0 .25rem}"
    ".scroll:focus-visible{outline-offset:-2px}"
    "table{border-collapse:collapse;width:100%;font-size:.9375rem}"
    "caption{text-align:left;color:var(--soft);padding-bottom:.25rem}"
    "th,td{text-align:left;vertical-align:middle;padding:.35rem .75rem .35rem 0;"
    "overflow-wrap:break-word;"
    "border-top:1px solid var(--line)}"
    "thead th{border-top:0;color:var(--soft);font-weight:600;font-size:.8125rem;white-space:nowrap}"
    "tbody th{font-weight:600}"
    ".num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "td.when{white-space:nowrap}"
    ".wide td,.wide th,.line{white-space:nowrap}"
    ".why{min-width:16rem}"
    ".chips{display:flex;flex-wrap:wrap;gap:0 1rem;margin:0 0 .75rem;padding:0;list-style:none}"
    ".chips a[aria-current]{font-weight:700;color:var(--ink);text-decoration:none;"
    "border-bottom:3px solid var(--link)}";
/* Pictures; words to copy, lines of a log; small screens. */
static const char rest[] =
    "svg{display:block}"
    ".trend{width:7.5rem;height:1.5rem}"
    ".chart{width:100%;height:3.5rem;border-bottom:1px solid var(--line)}"
    ".good{fill:var(--bar)}.bad{fill:var(--barred)}.other{fill:var(--bargrey)}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem}"
    ".charts figure,.lane figure{margin:0}"
    "figcaption{font-size:.875rem;color:var(--soft)}figcaption b{color:var(--ink)}"
    ".lanes{margin:0 0 1rem;padding:0;list-style:none}"
    ".lanes li{display:grid;grid-template-columns:6.5rem minmax(0,1fr) 5rem;gap:0 .75rem;"
    "align-items:center;padding:.2rem 0;font-size:.9375rem}"
    ".lane{width:100%;height:1.25rem;background:var(--greyback);border-radius:4px}"
    ".wait{fill:none;stroke:var(--edge);stroke-dasharray:4 3;vector-effect:non-scaling-stroke}"
    ".pa{fill:var(--bar)}.pb{fill:var(--bar);opacity:.65}.fa{fill:var(--barred)}"
    ".fb{fill:var(--barred);opacity:.65}.na{fill:var(--bargrey)}.nb{fill:var(--bargrey);opacity:."
    "65}"
    ".shot{max-width:100%;height:auto;border:1px solid var(--line);border-radius:6px}"
    "pre{margin:0 0 .5rem;padding:.75rem;background:var(--ground);border:1px solid var(--line);"
    "border-radius:6px;overflow:auto;max-height:30rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "code{background:var(--greyback);border-radius:4px;padding:.05em .3em}"
    "pre code{background:none;padding:0}"
    "details{border-top:1px solid var(--line);padding:.25rem 0}"
    "summary{cursor:pointer;padding:.6rem 0;font-weight:600}"
    "dl{display:grid;grid-template-columns:minmax(7rem,auto) minmax(0,1fr);gap:.25rem "
    "1rem;margin:0}"
    "dt{color:var(--soft)}dd{margin:0}"
    "@media(max-width:40rem){"
    "h1{font-size:1.3rem}.card{padding:.75rem;border-radius:8px}"
    ".well{margin-left:0}"
    ".late{display:none}"
    ".trend{width:4.5rem}"
    "th,td{padding-right:.5rem}"
    "td.when{white-space:normal}"
    ".lanes li{grid-template-columns:4.75rem minmax(0,1fr) 5rem;gap:0 .5rem;font-size:.875rem}"
    "dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:.4rem}"
    "}"
    "@media print{header,footer,.skip,.chips{display:none}.card{break-inside:avoid}}";

static const char icon[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">"
    "<rect width=\"32\" height=\"32\" rx=\"7\" fill=\"#14703a\"/>"
    "<path d=\"M7 25v-5h4v5zM14 25v-10h4v10zM21 25v-17h4v17z\" fill=\"#fff\"/></svg>\n";

void style_write_css(struct buf *out)
{
	(void)buf_add_text(out, ground);
	(void)buf_add_text(out, states);
	(void)buf_add_text(out, lists);
	(void)buf_add_text(out, rest);
}

const char *style_icon(void)
{
	return icon;
}

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void style_write_policy(const char *hash, struct buf *out)
{
	unsigned char bytes[32];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(nibble(hash[2 * i]) << 4 | nibble(hash[2 * i + 1]));
	(void)buf_add_text(out, "default-src 'none'; style-src 'sha256-");
	(void)buf_add_base64(out, bytes, sizeof(bytes));
	(void)buf_add_text(out, "'; img-src 'self'; base-uri 'none'; form-action 'none'; "
				"frame-ancestors 'none'");
}
