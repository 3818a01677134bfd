/** What a source contains, by symbol. */
export interface SymbolTable {
  /** Every named symbol with the text that defines it, in source order; nested ones follow their parent. */
  readonly symbols: readonly PythonSymbol[];
  /** Statements that change a symbol defined elsewhere: `Block.forward = f`, `setattr(Block, "forward", f)`, `model.WIDTH = 1`. */
  readonly assaults: readonly Assault[];
  /** The statements of the module and of its class bodies, in source order. */
  readonly pieces: readonly Piece[];
  /** First line the parser could not make sense of; null when it read everything. */
  readonly unreadable: number | null;
}

export interface PythonSymbol {
  /** Dotted name from the module's top: `Block.forward`, `WIDTH`, `HYP["opt"]`, the block `main@lr_mul`; `<module>` gathers what has no name, imports included. */
  readonly name: string;
  readonly kind: 'function' | 'class' | 'method' | 'attribute' | 'assignment' | 'key' | 'block' | 'module';
  readonly line: number;
  readonly endLine: number;
  /** Its own text, without that of the symbols inside it; comments and white space normalised away, so that only a change of code is a change. */
  readonly text: string;
  /** The statements of a function, or those at a module's top that define nothing; empty for every other kind. */
  readonly statements: readonly Statement[];
}

/** A statement where a partition may tell it from those around it. */
export interface Statement {
  /** What it may be called by, the most telling first: what it assigns, or a loop's variable as `for:x`; the call it makes with that call's first argument; the call; the condition of an `if` or `while`. */
  readonly anchors: readonly (readonly string[])[];
  readonly line: number;
  readonly endLine: number;
  /** Its spelling before, between and after its suites: one more than there are suites. */
  readonly parts: readonly string[];
  readonly suites: readonly (readonly Statement[])[];
  /** Names it binds itself, whatever its suites bind. */
  readonly binds: readonly Binding[];
  /** Whether it can leave the statement or the function around it: `return`, `yield`, a `break` of another's loop. */
  readonly leaves: boolean;
}

/** A statement that reaches into a symbol from outside its definition. */
export interface Assault {
  /** The module as the source names it (`model`, `.layers`); null for this file. */
  readonly module: string | null;
  /** Symbol inside the module; `*` when it cannot be told which, `?.name` for that member of a class that cannot be told. */
  readonly target: string;
  readonly line: number;
  readonly text: string;
}

/** One statement: which symbols it defines, and what else it binds at the module's top. */
export interface Piece {
  /** More than one for `A, B = 1, 2`; `<module>` when it defines no symbol. */
  readonly names: readonly string[];
  readonly line: number;
  readonly text: string;
  readonly isImport: boolean;
  readonly binds: readonly Binding[];
  /** Whether it is a statement of what its name means rather than the definition of it: every one of `<module>`, and those of a function divided into blocks. */
  readonly isPart: boolean;
}

/** A name that an import or another unnamed statement binds; `*` for everything a module offers. */
export interface Binding {
  readonly name: string;
  /** null when it does not come from an import. */
  readonly module: string | null;
  /** The symbol of that module; empty for the module itself. */
  readonly path: string;
}

/** The tables of a whole recipe, by file. */
export type Tables = Readonly<Record<string, SymbolTable>>;

/** What has no name of its own, and everything in a file that is not Python. */
export const MODULE = '<module>';

/** The table of a file that is not Python: one nameless piece. */
export const plainTable = (text: string): SymbolTable => ({
  symbols: [{ name: MODULE, kind: 'module', line: 1, endLine: text.split('\n').length, text, statements: [] }],
  assaults: [], pieces: [{ names: [MODULE], line: 1, text, isImport: false, binds: [], isPart: true }], unreadable: null,
});

/** Whether a claim on `claimed` reaches `symbol`: itself, its members, its keys and its blocks. */
export const covers = (claimed: string, symbol: string): boolean =>
  symbol === claimed || (symbol.startsWith(claimed) && '.[@'.includes(symbol[claimed.length] ?? ' '));

/** The top-level name a symbol hangs from. */
export const rootOf = (symbol: string): string => (symbol === MODULE ? symbol : (/^[^.[@]*/.exec(symbol)?.[0] ?? symbol));
