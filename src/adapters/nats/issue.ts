interface Issue { readonly path: readonly PropertyKey[]; readonly message: string; readonly code?: string | undefined; readonly errors?: readonly (readonly Issue[])[] }

/** The first thing a schema holds against a value, in one line; of a choice of shapes, what the last one holds. */
export function firstIssue(error: { readonly issues: readonly unknown[] }): string {
  const path: PropertyKey[] = [];
  let issue = error.issues[0] as Issue | undefined;
  while (issue?.code === 'invalid_union' && issue.errors?.at(-1)?.[0]) {
    path.push(...issue.path);
    issue = issue.errors.at(-1)?.[0];
  }
  if (!issue) return 'does not fit its schema';
  const where = [...path, ...issue.path].map(String).join('.');
  return `${where === '' ? '' : `${where}: `}${issue.message}`.slice(0, 300);
}
