/** The operators' table: what the ops manifest says of each pair, as text. */
const READ_EVERY = 15_000;
const COLUMNS = [
  ['Pair', (entry) => entry.key],
  ['Status', (entry) => entry.status],
  ['Served', (entry) => (entry.serve_allowed ? 'yes' : 'no')],
  ['Degraded', (entry) => (entry.degraded ? 'yes' : '')],
  ['Visibility', (entry) => entry.visibility],
  ['Symbol', (entry) => entry.symbol_state],
  ['Data through', (entry) => entry.data_through ?? ''],
  ['As of', (entry) => entry.as_of],
  ['Reason', (entry) => entry.reason ?? ''],
];

function line(tag, texts) {
  const row = document.createElement('tr');
  for (const text of texts) {
    const cell = document.createElement(tag);
    cell.textContent = text;
    row.append(cell);
  }
  return row;
}

async function read() {
  const summary = document.getElementById('summary');
  try {
    const response = await fetch('/ops/manifest.json', { cache: 'no-store' });
    const body = await response.json();
    if (!response.ok) throw new Error(body.message);
    const late = Date.now() > Date.parse(body.expires_at) ? 'LATE: no report since it was due. ' : '';
    summary.textContent = `${late}Generation ${body.generation}, written ${body.generated_at}, next due by ${body.expires_at}, source ${body.source}. Status words are those of that time.`;
    document.getElementById('rows').replaceChildren(
      ...body.entries.map((entry) =>
        line(
          'td',
          COLUMNS.map(([, value]) => value(entry)),
        ),
      ),
    );
  } catch (error) {
    summary.textContent = `The ops manifest can not be read: ${error.message}`;
  }
}

document.getElementById('head').append(
  line(
    'th',
    COLUMNS.map(([name]) => name),
  ),
);
setInterval(read, READ_EVERY);
void read();
