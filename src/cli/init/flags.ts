/** What `brigade init` was asked for, as it was typed. */
export interface InitFlags {
  readonly command?: string;
  readonly metric?: string;
  readonly pattern?: string;
  readonly log?: string;
  readonly line?: string;
  readonly minimize?: boolean;
  readonly maximize?: boolean;
  readonly range?: string;
  readonly take?: string;
  readonly budget?: string;
  readonly files?: readonly string[];
  readonly mount?: readonly string[];
  readonly python?: string;
  readonly artifact?: string;
  readonly cap?: string;
  readonly memory?: string;
  readonly replicates?: string;
  readonly name?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}
