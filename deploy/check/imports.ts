import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** An import that goes against the arrows of the house. */
export interface ImportFault {
  readonly file: string
  readonly specifier: string
  readonly rule: string
}

/** Packages that stay pure: no I/O, no clock, no chance of their own (ARCHITECTURE, packages). */
const PURE = new Set(['sip', 'aka', 'esp', 'xml', 'pidf', 'policy', 'reginfo', 'xcap', 'gba', 'digest'])
/** Pure packages that lean on other pure ones, beside core: who reads XML, who filters documents, who writes SIP's header fields. */
const PURE_LEANS: ReadonlySet<string> = new Set([
  ...['pidf', 'policy', 'reginfo', 'xcap', 'gba'].map((name) => `${name} @rollcall/xml`),
  ...['policy', 'xcap'].map((name) => `${name} @rollcall/pidf`),
  'digest @rollcall/sip',
])
/** What tests and the local runner may use, and nothing that ships. */
const TEST_ONLY = new Set(['@rollcall/dev-env', '@rollcall/pki', 'fast-check'])
const SELF_TEST = 'deploy/check/imports.test.ts'
const NODE_PURE = new Set(['node:crypto', 'node:util', 'node:assert', 'node:buffer'])
const IMPURE_CALLS = /\b(?:Date\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.env|performance\.now)\b/

/**
 * Checks each file of `files` (paths from `root`) against the rules: services → packages → node, no service imports
 * another, no package a service, relative imports stay inside their workspace and carry `.ts`, packages are entered by
 * their door, and pure packages do no I/O.
 */
export function checkImports(root: string, files: readonly string[]): ImportFault[] {
  const faults: ImportFault[] = []
  for (const file of files) {
    // The test of these rules quotes imports that break them.
    if (!/\.ts$/.test(file) || file.startsWith('packages/proto-gen/src/') || file === SELF_TEST) continue
    const text = readFileSync(join(root, file), 'utf8')
    for (const specifier of importsOf(text)) {
      const rule = ruleBroken(file, specifier)
      if (rule) faults.push({ file, specifier, rule })
    }
    const pure = pureName(file)
    const call = pure && !isTest(file) ? IMPURE_CALLS.exec(stripComments(text)) : undefined
    if (call) faults.push({ file, specifier: call[0], rule: `packages/${pure} is pure: take it as an argument` })
  }
  return faults
}

function ruleBroken(file: string, specifier: string): string | undefined {
  const [top, name] = file.split('/')
  if (specifier.startsWith('.')) {
    if (!/\.(?:ts|json|mjs)$/.test(specifier)) return 'relative imports carry .ts'
    const target = join(file, '..', specifier).split('/')
    const inside =
      top === 'packages' || top === 'services' ? target[0] === top && target[1] === name : target[0] === top
    return inside ? undefined : 'a relative import stays inside its workspace'
  }
  if (isTest(file)) return undefined
  const pure = pureName(file)
  if (pure && specifier.startsWith('node:') && !NODE_PURE.has(specifier))
    return `packages/${pure} is pure: no ${specifier}`
  const ships = top === 'services' || (top === 'packages' && name !== 'dev-env' && name !== 'pki')
  if (ships && TEST_ONLY.has(specifier)) return `${specifier} is for tests and the local runner`
  const service = /^@rollcall\/(hss|scscf|pcscf|presence|bsf|ap)(?:\/|$)/.exec(specifier)
  // The simulator runs the Presence Server’s partitions on its own clock; nothing that ships leans on it.
  const isSimulated = top === 'packages' && name === 'sim' && specifier === '@rollcall/presence/partition'
  if (service && ships && !isSimulated) return 'a service is imported by nobody: talk to it by gRPC'
  if (specifier.startsWith('@rollcall/sim') && ships && name !== 'sim') return 'the simulator does not ship'
  if (specifier.startsWith('@rollcall/e2e') || specifier.startsWith('@rollcall/deploy')) {
    return ships ? 'what ships does not know its tests' : undefined
  }
  const leans = specifier === '@rollcall/core' || PURE_LEANS.has(`${pure} ${specifier}`)
  if (pure && specifier.startsWith('@rollcall/') && !leans) {
    return `packages/${pure} leans on @rollcall/core, and on no more than PURE_LEANS says`
  }
  return undefined
}

function pureName(file: string): string | undefined {
  const [top, name] = file.split('/')
  return top === 'packages' && name && PURE.has(name) ? name : undefined
}

function isTest(file: string): boolean {
  return /\.test\.ts$/.test(file) || /\/(?:testing|test)\//.test(file)
}

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}

function importsOf(text: string): string[] {
  const found: string[] = []
  for (const match of stripComments(text).matchAll(/(?:^|\s)(?:from|import)\s*\(?\s*'([^'\n]+)'/g)) {
    if (match[1]) found.push(match[1])
  }
  return found
}
