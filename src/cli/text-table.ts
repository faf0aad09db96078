/** Aligned columns for people. Numbers to the right, words to the left, nothing padded at the line's end. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n`;
}

/** `key  value` lines, the values under each other. */
export function textFacts(facts: Iterable<readonly [string, string]>): string {
  const entries = [...facts];
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  return entries.map(([key, text]) => `${key.padEnd(width)}  ${text}`.trimEnd()).join('\n') + '\n';
}
