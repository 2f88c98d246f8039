import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, sourceFiles } from './root.ts'

/** A clause of a specification and the files that cite it. */
interface Row {
  readonly document: string
  readonly clause: string
  readonly code: Set<string>
  readonly tests: Set<string>
}

const CITATION =
  /\b(TS \d\d\.\d\d\d|TR \d\d\.\d\d\d|RFC \d{4}) (?:clause|section|annex|Annex)s? ([A-Z0-9][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)*)/g

const HEAD = `# Conformance: clause → code → test

Made by \`npm run golden\` from the citations in the code and in the tests' titles and comments; \`npm run check\` compares.
A clause without a test is cited by code alone: what it asks is built, and judged only through what stands around it.
`

/** The text of docs/conformance.md as the code says it now. */
export function renderConformance(root: string, files: readonly string[]): string {
  const rows = new Map<string, Row>()
  for (const file of files) {
    if (!/^(?:packages|services|e2e|deploy)\/.*\.ts$/.test(file) || file.startsWith('packages/proto-gen/')) continue
    if (file.startsWith('deploy/check/')) continue
    const isTest = /\.test\.ts$/.test(file) || file.startsWith('e2e/')
    for (const match of readFileSync(join(root, file), 'utf8').matchAll(CITATION)) {
      const [, document = '', clause = ''] = match
      const key = `${document} ${clause}`
      const row = rows.get(key) ?? { document, clause, code: new Set(), tests: new Set() }
      rows.set(key, row)
      ;(isTest ? row.tests : row.code).add(file)
    }
  }
  const sorted = [...rows.values()].sort(
    (a, b) => compareNatural(a.document, b.document) || compareNatural(a.clause, b.clause),
  )
  let text = HEAD
  let document = ''
  for (const row of sorted) {
    if (row.document !== document) {
      document = row.document
      text += `\n## ${document}\n\n| clause | code | test |\n|---|---|---|\n`
    }
    text += `| ${row.clause} | ${links(row.code)} | ${links(row.tests)} |\n`
  }
  return text
}

function links(files: ReadonlySet<string>): string {
  return [...files]
    .sort()
    .map((file) => `[${shortName(file)}](../${file})`)
    .join(', ')
}

function shortName(file: string): string {
  return file.replace(/^(packages|services)\//, '').replace('/src/', '/')
}

function compareNatural(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

const TARGET = 'docs/conformance.md'

/** What `npm run check` says of the file. */
export function conformanceFaults(): string[] {
  const wanted = renderConformance(ROOT, sourceFiles())
  return readFileSync(join(ROOT, TARGET), 'utf8') === wanted
    ? []
    : [`${TARGET} is not what the code says: npm run golden`]
}

if (import.meta.main) writeFileSync(join(ROOT, TARGET), renderConformance(ROOT, sourceFiles()))
