/** The page's whole style: two themes by variables, and a print one that spends no ink on ground. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fbfaf7;--card:#fff;--ink:#1f1e1b;--soft:#6d6960;--faint:#a8a398;--rule:#e6e2d8;--band:#8d8778;
--keep:#2c7a4b;--size:#b7791f;--time:#c05f26;--crash:#b23b3b;--pre:#cf8577;--gate:#8355a6;--tampered:#1f1e1b;--rejected:#9b968b;--ours:#b9b4a8;--discard:#c9c4b8;
--h0:#2f6fb3;--h1:#cf6a2c;--h2:#39906a;--h3:#9257a8;--h4:#b5415f;--h5:#2b8f9a;--h6:#98791f;--h7:#5f6fbf;--h8:#6f8a2e;--h9:#7a6a5c;--add:#e7f3ea;--del:#fbeae8;--search:#8fb0d4;--confirm:#2f6fb3;--final:#d2a03a}
@media (prefers-color-scheme:dark){:root{--ground:#15161a;--card:#1c1e23;--ink:#e9e6df;--soft:#a09b91;--faint:#6b675f;--rule:#2d2f36;--band:#8f8a7e;
--keep:#63b886;--size:#dfa94a;--time:#e38b57;--crash:#e07a75;--pre:#a8564f;--gate:#b68fd4;--tampered:#f1eee8;--rejected:#7d7970;--ours:#57544d;--discard:#4c4a45;
--h0:#6ea8e6;--h1:#eb955f;--h2:#66bf97;--h3:#c08fd6;--h4:#e07f9a;--h5:#63c0cb;--h6:#cdae55;--h7:#97a4ea;--h8:#a9c466;--h9:#b3a393;--add:#1b2e22;--del:#351f1f;--search:#3f638c;--confirm:#6ea8e6;--final:#dfb558}}
@media print{:root{color-scheme:light;--ground:#fff;--card:#fff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main{max-width:1080px;margin:0 auto;padding:56px 24px 80px}
h1,h2,.title{font-family:"Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4",Georgia,"DejaVu Serif",serif;font-weight:500;letter-spacing:-.006em}
h1{font-size:clamp(23px,3.3vw,34px);line-height:1.28;margin:10px 0 26px;max-width:27em;text-wrap:balance}
h1 strong{font-weight:600;white-space:nowrap}
h2{font-size:22px;line-height:1.3;margin:64px 0 4px}
.kicker{color:var(--soft);font-size:13px;letter-spacing:.02em;margin:0}
.lead,.note{color:var(--soft);margin:2px 0 18px;max-width:64em}.note{font-size:13px}
.facts{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:0 28px;margin:0 0 36px;border-top:1px solid var(--rule)}
.facts div{padding:12px 0;border-bottom:1px solid var(--rule)}
.facts dt{color:var(--soft);font-size:12.5px}.facts dd{margin:0;font-size:18px;line-height:1.35}.facts small{display:block;color:var(--soft);font-size:12.5px}
@media (max-width:720px){.facts{grid-template-columns:repeat(2,minmax(0,1fr))}}
.scroll{overflow-x:auto}
.figure{display:block;width:100%;height:auto;min-width:640px;margin:6px 0}
.half .figure{min-width:0}
svg text{font-size:12px;fill:var(--soft)}
.grid{stroke:var(--rule);stroke-width:1}.zero{stroke:var(--faint);stroke-width:1}.diagonal{stroke:var(--faint);stroke-width:1;stroke-dasharray:4 4}
.rimline{stroke:var(--rule);stroke-dasharray:1 4}
svg .axis{font-size:11.5px;fill:var(--faint)}svg .end{fill:var(--ink);font-weight:600;font-size:13px}svg .keep-label{font-size:11px}
.best{fill:none;stroke:var(--ink);stroke-width:1.8;stroke-linejoin:round}
.noise{fill:var(--band);opacity:.2}svg .noise-label{font-size:11.5px}
.kept circle,.kept path{fill:var(--hue);stroke:var(--ground);stroke-width:1.5}
.dropped circle,.dropped path{fill:var(--hue);fill-opacity:.22;stroke:var(--hue);stroke-opacity:.75;stroke-width:1.1}
.failed path{stroke:var(--hue);stroke-width:1.7;fill:none;stroke-linecap:round}.touch{fill:transparent}
g:hover>circle:not(.touch),g:hover>path{stroke:var(--ink);stroke-opacity:1}
${Array.from({ length: 10 }, (_, i) => `.hue-${i}{--hue:var(--h${i})}`).join('')}.hue-none{--hue:var(--soft)}
.tone-keep{--tone:var(--keep)}.tone-baseline{--tone:var(--ink)}.tone-discard{--tone:var(--discard)}.tone-rejected{--tone:var(--rejected)}.tone-size{--tone:var(--size)}.tone-time{--tone:var(--time)}
.tone-crash{--tone:var(--crash)}.tone-preflight{--tone:var(--pre)}.tone-gate{--tone:var(--gate)}.tone-tampered{--tone:var(--tampered)}.tone-ours,.tone-waiting{--tone:var(--ours)}
svg .rim{fill:var(--tone);font-size:11.5px}svg .rim.tone-rejected,svg .rim.tone-ours{fill:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:0 0 4px;padding:0;color:var(--soft);font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:50%;background:var(--hue,var(--tone));margin-right:7px}.legend i.square{border-radius:2px}
.legend i.open{background:none;border:1.4px solid var(--soft)}.legend i.full{background:var(--soft)}.legend i.mark{background:none;width:auto;height:auto;font-style:normal}
.cards{list-style:none;margin:18px 0 0;padding:0;display:grid;gap:12px}
.cards li{background:var(--card);border:1px solid var(--rule);border-left:3px solid var(--hue);border-radius:6px;padding:14px 18px;break-inside:avoid}
.cards .who,.trial .who{color:var(--soft);font-size:13px}.cards .title{font-size:18px;line-height:1.35;margin:1px 0 6px;overflow-wrap:anywhere}
.cards .delta{font-size:16px;font-weight:600;color:var(--keep)}.cards .sure{color:var(--soft);font-size:13.5px;margin-left:10px}
.fall{height:5px;border-radius:3px;background:var(--rule);margin:10px 0 8px;position:relative}.fall b{position:absolute;top:0;bottom:0;border-radius:3px;background:var(--hue);min-width:2px}
details>summary{cursor:pointer;color:var(--soft);font-size:13px}details>summary:hover{color:var(--ink)}
.diff{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-x:auto;margin:10px 0 2px;padding:10px 0;border-top:1px solid var(--rule);tab-size:4}
.diff span{display:inline-block;min-width:100%;padding:0 8px;white-space:pre}.diff .added{background:var(--add)}.diff .removed{background:var(--del)}.diff .hunk,.diff .file{color:var(--soft)}
.mix{display:grid;grid-template-columns:max-content 1fr max-content;gap:9px 14px;align-items:center;margin:14px 0}
.bar{display:flex;height:20px;border-radius:3px;overflow:hidden;gap:1px}.bar span{background:var(--tone);min-width:3px;color:var(--ground);font-size:11.5px;line-height:20px;text-align:center;overflow:hidden}
.bar .tone-discard{color:var(--ink)}.mix .total{color:var(--soft);font-size:13px;text-align:right}
table{border-collapse:collapse;width:100%;margin:12px 0;font-size:14px}th{font-weight:500;color:var(--soft);text-align:left;font-size:12.5px}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}td:first-child,td.n,th.n{white-space:nowrap}td.n,th.n{text-align:right}
td .dot{display:inline-block;width:9px;height:9px;border-radius:50%;background:var(--hue,var(--tone));margin-right:8px}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:36px;align-items:start}@media (max-width:820px){.pair{grid-template-columns:1fr}}
.tree .edge{fill:none;stroke:var(--faint);stroke-width:1;opacity:.7}.tree .edge.strong{stroke:var(--ink);stroke-width:1.7;opacity:1}
.tree .hover{fill:transparent}.tree .row:hover .hover{fill:var(--rule);opacity:.5}.tree .strong text{fill:var(--ink)}.tree .status{fill:var(--tone)}.tree .tone-discard .status,.tree .tone-rejected .status,.tree .tone-ours .status{fill:var(--soft)}.tree .strong .id{font-weight:600}
.idle{fill:var(--rule);opacity:.6}.work-search{fill:var(--search);--tone:var(--search)}.work-confirm{fill:var(--confirm);--tone:var(--confirm)}.work-final{fill:var(--final);--tone:var(--final)}.work-failed{fill:var(--crash);--tone:var(--crash)}
.trial{border-bottom:1px solid var(--rule)}.trial>summary{display:grid;grid-template-columns:48px 104px 160px 66px 74px minmax(0,1fr);gap:0 12px;padding:6px 0;font-size:13.5px;list-style:none;color:var(--ink)}
.trial>summary::-webkit-details-marker{display:none}.trial>summary:hover{background:var(--card)}.trial .status{color:var(--tone)}.trial .status.tone-discard,.trial .status.tone-rejected,.trial .status.tone-ours{color:var(--soft)}.trial .n{text-align:right}
.trial .says{overflow-wrap:anywhere}.trial .inside{padding:2px 0 16px 60px;overflow-wrap:anywhere}.trial .inside p{margin:4px 0}
@media (max-width:760px){.trial>summary{grid-template-columns:48px 1fr max-content}.trial .says{grid-column:1/-1}.trial .inside{padding-left:0}}
dl.method{display:grid;grid-template-columns:max-content 1fr;gap:6px 22px;margin:14px 0;font-size:14px}dl.method dt{color:var(--soft)}dl.method dd{margin:0;overflow-wrap:anywhere}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media print{main{padding:0;max-width:none}h2{break-after:avoid}.figure,.mix,table{break-inside:avoid}.tree{break-inside:auto}.trials{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
