/**
 * The style sheet of the report. System fonts, two palettes, one accent a block kind. The kinds'
 * colours are told apart by every common form of colour blindness; the heat ramp rises evenly in
 * lightness, away from the page's own.
 */

const LIGHT = `
  --page: #fdfdfb; --ink: #1b1f24; --quiet: #5b6570; --rule: #e3e4df; --faint: #f0f0eb; --edge: #cfd2cc;
  --mha: #0b63a5; --mlp: #b9500a; --layer: #6a3d9a; --on-accent: #ffffff; --alert: #a3123a;
  --h0: #f3f0d7; --h1: #d3e5c9; --h2: #b1d9bb; --h3: #88c3b8; --h4: #5aaab6;
  --h5: #388dab; --h6: #2c6d98; --h7: #244e83; --h8: #203566; --h9: #1a1c4a;`;

const DARK = `
  --page: #14171c; --ink: #e6e8ea; --quiet: #9aa4af; --rule: #2a3038; --faint: #1d2229; --edge: #3a424d;
  --mha: #6cb4f0; --mlp: #f0985c; --layer: #c3a2ec; --on-accent: #10141a; --alert: #ff8ba7;
  --h0: #222c3d; --h1: #243c53; --h2: #244d69; --h3: #27637c; --h4: #2c7c8d;
  --h5: #46989a; --h6: #6eb79f; --h7: #99d3a4; --h8: #c9e2ad; --h9: #f7f1b5;`;

const PAGE = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); print-color-adjust: exact; -webkit-print-color-adjust: exact;
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 3.5rem 1.25rem 5rem; }
h1 { margin: 0.35rem 0 0.75rem; font-size: clamp(1.5rem, 1.1rem + 1.6vw, 2.05rem); line-height: 1.2;
  font-weight: 650; letter-spacing: -0.02em; text-wrap: balance; }
h1 span { display: inline-block; }
h2 { margin: 0 0 0.4rem; font-size: 1.3rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; }
h3 { margin: 0 0 0.4rem; font-size: 0.875rem; font-weight: 600; color: var(--quiet); }
p { margin: 0 0 1rem; max-width: 44rem; text-wrap: pretty; }
a { color: var(--mha); text-underline-offset: 0.15em; }
section { margin-top: 3.25rem; }
figure { margin: 1.25rem 0 0; }
dl, dd { margin: 0; }
code { font: 0.9em/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; }
bdi, code, dd { overflow-wrap: anywhere; }
.quiet, .lead { color: var(--quiet); }
.kicker { margin: 0; font-size: 0.875rem; color: var(--quiet); overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
:is(.scroll, a, summary, button, input):focus-visible { outline: 2px solid var(--mha); outline-offset: 3px; border-radius: 2px; }
[hidden] { display: none !important; }
button { padding: 0.22rem 0.7rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--page); color: var(--ink);
  font: inherit; font-size: 0.8125rem; line-height: 1.4; cursor: pointer; }
button:hover { border-color: var(--mha); color: var(--mha); }
.saves { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.5rem; margin: 1rem 0 0; font-size: 0.875rem; color: var(--quiet); }
input[type=radio], input[type=range] { accent-color: var(--mha); }
.for-narrow { display: none; }`;

const FIGURES = `
.key { margin-top: 2.25rem; }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1.5rem; padding: 1.4rem 0; border-block: 1px solid var(--rule); }
dt { color: var(--quiet); font-size: 0.875rem; }
.figures.five { grid-template-columns: repeat(5, 1fr); gap: 1.1rem; }
.value { font-size: 1.9rem; line-height: 1.25; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.note { font-size: 0.875rem; color: var(--quiet); }
.facts { margin-top: 1.4rem; display: grid; gap: 0.3rem; font-size: 0.9375rem; }
.facts div { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; }
.facts dt { font-size: inherit; }
.guide { display: grid; grid-template-columns: 1fr 1fr; gap: 1.4rem 2.5rem; margin-top: 1rem; }
.guide dt { color: var(--ink); font-weight: 600; font-size: 1rem; }
.guide dd { color: var(--quiet); font-size: 0.9375rem; }`;

const TABLES = `
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; padding-top: 0.7rem; font-size: 0.875rem; color: var(--quiet); }
th, td { padding: 0.42rem 0.8rem 0.42rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule); }
thead th { font-size: 0.8125rem; font-weight: 600; color: var(--quiet); vertical-align: bottom; border-bottom-color: var(--edge); }
tbody th { font-weight: 400; color: var(--quiet); }
.steps td, .steps tbody th { white-space: nowrap; }
.steps tr.at { background: var(--faint); }
.number { text-align: right; }
th.number:first-child { width: 3.2rem; }
th:last-child, td:last-child { padding-right: 0.25rem; }
.conventions th { width: 12rem; white-space: nowrap; }
.take { margin-top: 1.1rem; }
.take p { display: flex; align-items: baseline; gap: 0.75rem; max-width: none; margin-bottom: 0.35rem; font-size: 0.875rem; color: var(--quiet); }
.take code { display: block; padding: 0.6rem 0.9rem; background: var(--faint); border-radius: 6px; user-select: all; white-space: pre-wrap; }
.samples { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1.25rem; }
details { margin-top: 1.4rem; }
summary { cursor: pointer; font-size: 0.9375rem; color: var(--quiet); margin-bottom: 0.7rem; }
.passage { margin: 0; padding: 0.9rem 1.05rem; background: var(--faint); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }`;

/** A rule for each level of the colour scales. */
function levels(rule: (level: number) => string): string {
  return Array.from({ length: 10 }, (_, level) => rule(level)).join(' ');
}

const DRAWINGS = `
svg { display: block; height: auto; font-size: 12px; font-variant-numeric: tabular-nums; }
svg text { fill: var(--ink); }
svg .tick, svg .axis-name { fill: var(--quiet); font-size: 11.5px; }
svg .panel-name { font-size: 13px; font-weight: 600; }
.curve { width: 100%; overflow: visible; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--edge); }
.dense-rule { stroke: var(--quiet); stroke-dasharray: 2 4; stroke-linecap: round; }
svg .dense-label { fill: var(--quiet); }
.trace { fill: none; stroke: var(--quiet); stroke-width: 1.75; stroke-linejoin: round; }
.repaired-trace { stroke: var(--ink); stroke-dasharray: 5 4; }
.repaired-point circle { fill: var(--page); stroke: var(--ink); stroke-width: 1.75; }
.point path { stroke: var(--page); stroke-width: 1.5; }
.point.dense path { fill: var(--page); stroke: var(--quiet); stroke-width: 2; }
.point.mha path { fill: var(--mha); } .point.mlp path { fill: var(--mlp); } .point.layer path { fill: var(--layer); }
.near-tie { fill: none; stroke: var(--ink); stroke-width: 1.25; }
.missing path, .not-finite path { fill: none; stroke: var(--alert); stroke-width: 1.5; }
.halo { paint-order: stroke; stroke: var(--page); stroke-width: 4px; stroke-linejoin: round; }
.kept rect { fill: var(--faint); }
.bar.mha rect { fill: var(--mha); } .bar.mlp rect { fill: var(--mlp); } .bar.layer rect { fill: var(--layer); }
.bar.faint rect { fill-opacity: 0.3; }
.absent rect { fill: none; stroke: var(--faint); stroke-dasharray: 2 3; }
.gone text { font-weight: 600; }
.gone.mha rect { fill: var(--mha); } .gone.mlp rect { fill: var(--mlp); }
.gone.q2 rect { fill-opacity: 0.5; } .gone.q3 rect { fill-opacity: 0.34; } .gone.q4 rect { fill-opacity: 0.2; }
svg .gone.q1 text { fill: var(--on-accent); }
${levels((level) => `.d${level} { fill: var(--h${level}); }`)}
${levels((level) => `#candidates:has(#by-step:checked) .s${level} { fill: var(--h${level}); }`)}
.by-s, #candidates:has(#by-step:checked) .by-d { display: none; }
#candidates:has(#by-step:checked) .by-s { display: block; }
.not-finite rect { fill: var(--faint); }
.dropped path { fill: var(--page); }
.chosen { fill: none; stroke: var(--ink); stroke-width: 2; }
.gone-line { stroke: var(--edge); }
.held-out-trace { stroke-width: 1.25; } .held-out-point path { fill: var(--page); stroke: var(--quiet); stroke-width: 1.25; }
.gone.shared rect { stroke: var(--ink); stroke-width: 2; }
${['mha', 'mlp', 'layer', 'ink', 'alert', 'quiet']
  .map((name, index) => {
    const dashes = ['none', '7 4', '2 3', '10 3 2 3', '1 4', '12 5'][index];
    return `.run-${index} .trace { stroke: var(--${name}); stroke-dasharray: ${dashes}; } .run-${index} .mark path, svg .run-${index} .run-label { fill: var(--${name}); }`;
  })
  .join('\n')}
.run .mark path { stroke: var(--page); stroke-width: 1; }
svg .run-label { font-weight: 700; font-size: 13px; }
.swatch { display: inline-block; margin-right: 0.5rem; vertical-align: middle; }
.warning { margin-top: 0.5rem; padding: 0.8rem 1.1rem; border-left: 4px solid var(--alert); background: var(--faint); border-radius: 0 6px 6px 0; }
.warning p:last-child { margin: 0; color: var(--quiet); }
.compared td, .compared tbody th { white-space: nowrap; } :is(#shares, #masks) .compared { width: auto; min-width: min(100%, 26rem); } #settings td { white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
.run-name { color: var(--ink); font-weight: 600; }
.gone.later rect { fill: var(--faint); fill-opacity: 1; } .gone.later text { fill-opacity: 0; }
.at path { stroke: var(--ink); stroke-width: 2.5; }
.slider { display: flex; flex-wrap: wrap; gap: 0.2rem 0.9rem; align-items: center; margin-bottom: 1.2rem; }
.slider label { font-size: 0.875rem; color: var(--quiet); }
.slider input { flex: 0 1 22rem; min-width: 8rem; margin: 0.4rem 0; }
.slider output { flex: 0 0 100%; min-height: 3.1em; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.choice { display: flex; flex-wrap: wrap; gap: 0.3rem 1.3rem; align-items: baseline; margin: 0 0 1rem; padding: 0; border: 0; font-size: 0.9375rem; }
.choice legend { float: left; margin-right: 1.3rem; padding: 0; color: var(--quiet); font-size: 0.875rem; }
.choice label { display: inline-flex; align-items: baseline; gap: 0.45rem; cursor: pointer; }
.choice input { margin: 0; align-self: center; }
.reading { display: block; position: sticky; top: 0; z-index: 1; margin-bottom: 0.8rem; padding: 0.55rem 0.9rem; min-height: 2.6rem;
  background: var(--faint); border-radius: 6px; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.reading.idle { color: var(--quiet); }
.cell { cursor: default; } .cell:focus { outline: none; }
.ring { fill: none; stroke: var(--mlp); stroke-width: 3; pointer-events: none; }
.legend { max-width: 100%; margin-bottom: 1.1rem; }
.panels { display: flex; flex-wrap: wrap; gap: 2rem 3rem; }
.panels .scroll { max-width: 100%; }`;

const NARROW = `
main { padding: 2rem 1rem 3rem; }
section { margin-top: 2.5rem; }
.for-wide { display: none; }
.for-narrow { display: block; }
.for-narrow svg, .heat.fits { max-width: 100%; }
.figures, .figures.five { grid-template-columns: 1fr 1fr; gap: 1.1rem 1rem; }
.value { font-size: 1.55rem; }
.facts { gap: 0.7rem; }
.facts div { grid-template-columns: 1fr; gap: 0; }
.facts dt { font-size: 0.875rem; }
.samples, .guide { grid-template-columns: 1fr; }
caption { max-width: calc(100vw - 2rem); }
.conventions th { width: auto; white-space: normal; }
.slider output { min-height: 4.7em; }
.reading { min-height: 4.1rem; }`;

const PRINT = `
:root { --page: #ffffff; }
@page { margin: 16mm 14mm; }
body { font-size: 10.5pt; }
main { max-width: none; padding: 0; }
section { margin-top: 1.8rem; }
h2, section > p { break-after: avoid; }
figure, tr, .figures, .samples > div, .guide > div { break-inside: avoid; }
.lead, .saves, .slider, .reading, .copy, .choice label:has(input:not(:checked)), .choice input { display: none !important; }
.scroll { overflow: visible; }
.scroll svg { max-width: 100%; }
.panels { flex-wrap: nowrap; gap: 1.5rem; }
.panels .scroll { flex: 0 1 auto; min-width: 0; }`;

export const STYLE: string = `
:root {${LIGHT}
  color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) { :root {${DARK} } }
${PAGE}${FIGURES}${TABLES}${DRAWINGS}
@media screen and (max-width: 44rem) {${NARROW} }
@media print {${PRINT} }
`;
