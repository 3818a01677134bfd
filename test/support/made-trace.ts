// Small traces made by us in the shape of the reference's: one that is whole, and one with damage of every kind.

export const HEAD = ['exp_id', 'timestamp', 'specialist', 'parent_exp', 'baseline_exp', 'domain', 'hypothesis', 'expected_delta', 'status', 'val_bpb', 'delta_vs_best', 'artifact_bytes', 'train_s', 'eval_s', 'total_s', 'job_name', 'snapshot_path', 'notes'] as const;

/** One row by the names of its columns; what is not named is empty. */
export type Cells = Partial<Record<(typeof HEAD)[number], string>>;

/** A cell as the reference's writer leaves it. */
const quoted = (cell: string): string => (/["\t\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export const line = (cells: Cells): string => HEAD.map((name) => quoted(cells[name] ?? '')).join('\t');

/** A trial that ended `minutes` after the start, having taken ten of them. */
const trial = (id: string, minutes: number, specialist: string, parent: string, against: string, status: string, more: Cells = {}): Cells => ({
  exp_id: id, timestamp: `2026-03-01T${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}:00Z`, specialist, parent_exp: parent, baseline_exp: against, domain: specialist,
  hypothesis: `idea ${id} of ${specialist}`, expected_delta: '-0.001', status, total_s: '600.000000', job_name: `made-${id}`, ...more,
});

/** Eight whole rows: a baseline, two keeps, two discards, a size failure, an overrun and a crash. */
export const WHOLE: readonly Cells[] = [
  { ...trial('000', 0, 'baseline', '', '', 'baseline', { val_bpb: '1.100000', total_s: '', hypothesis: 'calibrated baseline', expected_delta: '0', job_name: '', notes: 'the starting point' }) },
  trial('001', 20, 'arch', '000', '000', 'discard', { val_bpb: '1.100500', delta_vs_best: '+0.000500', artifact_bytes: '15990000', train_s: '400.000000', eval_s: '150.000000' }),
  trial('002', 30, 'opt', '000', '000', 'keep', { val_bpb: '1.099000', delta_vs_best: '-0.001000', artifact_bytes: '15990001', train_s: '400.000000', eval_s: '150.000000', snapshot_path: 'snapshots/002_opt' }),
  trial('003', 40, 'arch', '002', '002', 'keep', { val_bpb: '1.098000', delta_vs_best: '-0.001000', artifact_bytes: '15990002', train_s: '400.000000', eval_s: '150.000000', snapshot_path: 'snapshots/003_arch' }),
  trial('004', 50, 'opt', '003', '003', 'eval_budget_overrun', { train_s: '400.000000', eval_s: '700.000000' }),
  trial('005', 60, 'arch', '003', '003', 'size_blocked', { val_bpb: '1.097500', artifact_bytes: '16000900', hypothesis: 'a "wider" MLP,\tbigger\nin two lines' }),
  trial('006', 70, 'data', '003', '003', 'crash', { notes: 'RuntimeError: shapes differ (train.py:12 in step)' }),
  trial('007', 80, 'data', '006', '003', 'discard', { val_bpb: '1.098000', delta_vs_best: '+0.000000', expected_delta: '-0.0000005' }),
];

export const tsv = (rows: readonly (Cells | string)[]): string => `${[HEAD.join('\t'), ...rows.map((row) => (typeof row === 'string' ? row : line(row)))].join('\n')}\n`;

/** The same rows with damage of every kind between them. What is wrong with each is said beside it. */
export const DAMAGED: readonly (Cells | string)[] = [
  ...WHOLE.slice(0, 4), // lines 2 to 5
  '004\t2026-03-01T01:00:00Z\topt\t003\t003\topt\traise the rate</hypothesis> <parameter name="notes">twice as high -0.001 discard 1.0990 +0.0010 600.0 made-004', // line 6: markup took the later columns with it
  trial('005', 61, 'data', '004', '003', 'discard', { val_bpb: '1.099000', delta_vs_best: '+0.001000' }), // line 7: whole, on a damaged parent
  trial('006', 62, 'data', '003', '003', 'kept', { val_bpb: '1.099000' }), // line 8: no such status
  trial('007', 63, 'arch', '003', '003', 'discard', { val_bpb: '1.09x' }), // line 9: no number
  trial('008', 64, 'opt', 'exp_003', '003', 'discard', { val_bpb: '1.098500', delta_vs_best: '+0.000500', expected_delta: 'minus_0.001', notes: 'one line changed</notes> </invoke>' }), // line 10: stands, two cells do not
  '009\t2026-03-01T01:05:00Z\topt\t003', // line 11: cut off
  trial('010', 66, 'opt', '012', '003', 'discard', { val_bpb: '1.0990' }), // line 12: a parent that came later
  trial('003', 67, 'opt', '002', '003', 'discard', { val_bpb: '1.0990' }), // line 13: an id used before
  trial('011', 68, 'opt', '003', '003', 'discard', { val_bpb: '1.0990', timestamp: 'yesterday' }), // line 14: no time
  trial('x12', 69, 'opt', '003', '003', 'discard', { val_bpb: '1.0990' }), // line 15: no id
  trial('013', 70, 'opt', '003', '003', 'keep', { delta_vs_best: '-0.5' }), // line 16: kept without a score
  '014\t2026-03-01T01:11:00Z\tdata\t003\t003\tdata\t"never closed, and yet a row\t-0.001\tdiscard\t1.099100\t+0.001100\t\t\t\t600.000000\tmade-014\t\t', // line 17: stands
  trial('015', 72, 'not a name', '003', '003', 'discard', { val_bpb: '1.0990' }), // line 18: no specialist
  trial('016', 73, 'data', '', '003', 'discard', { val_bpb: '1.0990' }), // line 19: no parent
  trial('017', 74, 'data', '003', '003', 'discard', { val_bpb: '1.0990', artifact_bytes: '-7' }), // line 20: no count
  trial('018', 75, 'data', '003', '003', 'baseline', { val_bpb: '1.0990' }), // line 21: a second baseline
  `${line(trial('019', 76, 'data', '003', '003', 'discard', { val_bpb: '1.0990' }))}\textra`, // line 22: a cell too many
  trial('020', 77, 'data', '003', '003', 'discard', { val_bpb: '1e999' }), // line 23: infinite
  trial('021', 90, 'opt', '003', '003', 'keep', { val_bpb: '1.097000', delta_vs_best: '-0.001000' }), // line 24: whole
];
