// Pages as DeepSeek-OCR writes them with its grounding prompt.
#pragma once

#include <string>

namespace lectern::testing {

// A page of a paper, in two columns, every label of running text.
inline const std::string paper_page = R"raw(<|ref|>header<|/ref|><|det|>[[82, 40, 560, 56]]<|/det|>
Journal of Applied Clockwork, vol. 7

<|ref|>title<|/ref|><|det|>[[120, 80, 880, 130]]<|/det|>
# On the Regularity of Escapements

<|ref|>text<|/ref|><|det|>[[82, 160, 480, 320]]<|/det|>
We measured forty pendulum clocks over three winters. The costs were $5 and $6 a clock. The rate \( r \) of a clock depends on the temperature \(T\) of its room, and on little else.

<|ref|>sub_title<|/ref|><|det|>[[82, 340, 300, 360]]<|/det|>
## 2 Method

<|ref|>text<|/ref|><|det|>[[82, 370, 480, 470]]<|/det|>
Each clock was compared with a **radio signal** once a day,
at noon, by the same observer.

<|ref|>equation<|/ref|><|det|>[[140, 480, 430, 520]]<|/det|>
\[ r = r_0 + \alpha (T - T_0) \\[2pt] + \epsilon \quad (3) \]

<|ref|>text<|/ref|><|det|>[[82, 530, 480, 600], [520, 160, 918, 260]]<|/det|>
The sum runs over both columns of this page, so that its block has two boxes, one in the left column and one in the right.

<|ref|>image<|/ref|><|det|>[[520, 280, 918, 560]]<|/det|>

<|ref|>image_caption<|/ref|><|det|>[[520, 570, 918, 600]]<|/det|>
<center>Figure 1: An escapement, drawn by Müller &amp; Søn. </center>

<|ref|>list<|/ref|><|det|>[[520, 620, 918, 700]]<|/det|>
- the anchor,
- the escape wheel,
- the pendulum.

<|ref|>aside_text<|/ref|><|det|>[[10, 300, 40, 700]]<|/det|>
arXiv:2510.01234v1

<|ref|>reference<|/ref|><|det|>[[520, 720, 918, 860]]<|/det|>
[1] C. Huygens. Horologium Oscillatorium. Paris, 1673.
[2] 王小明，钟表的历史，北京，1998。

<|ref|>footer<|/ref|><|det|>[[82, 940, 400, 955]]<|/det|>
Preprint, not for redistribution

<|ref|>page_number<|/ref|><|det|>[[490, 960, 510, 975]]<|/det|>
12
)raw";

// Tables with spans, captions before and behind, a footnote, figures in two boxes, code.
inline const std::string report_page = R"raw(<|ref|>title<|/ref|><|det|>[[100, 50, 700, 90]]<|/det|>
# Annual Report

<|ref|>table_caption<|/ref|><|det|>[[100, 110, 700, 130]]<|/det|>
Table 1: Income by quarter, in thousands

<|ref|>table<|/ref|><|det|>[[100, 140, 900, 330]]<|/det|>
<table><tr><td rowspan="2">Region</td><td colspan="2">First half</td></tr><tr><td>Q1</td><td>Q2</td></tr><tr><td>North</td><td>0.00</td><td>1,250.75</td></tr><tr><td>South &amp; West</td><td>0.00</td><td>9 &lt; 10</td></tr></table>

<|ref|>table_footnote<|/ref|><|det|>[[100, 335, 900, 350]]<|/det|>
* Figures are not audited.

<|ref|>table<|/ref|><|det|>[[100, 380, 900, 500]]<|/det|>
<table><tr><th>Name</th><th>Share</th></tr><tr><td>A | B</td><td>\(12 \%\)</td></tr><tr><td>C</td><td>88 %</td></tr></table>

<|ref|>table_caption<|/ref|><|det|>[[100, 505, 900, 520]]<|/det|>
Table 2: Shares

<|ref|>figure_title<|/ref|><|det|>[[100, 540, 900, 555]]<|/det|>
Figure 1. Two views of the site

<|ref|>image<|/ref|><|det|>[[100, 560, 480, 760], [520, 560, 900, 760]]<|/det|>

<|ref|>code<|/ref|><|det|>[[100, 780, 900, 900]]<|/det|>
    for (i = 0; i < n; ++i) {
      print("\(not a formula\)");
    }
)raw";

}  // namespace lectern::testing
