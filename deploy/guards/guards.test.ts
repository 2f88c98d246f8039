import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ROOT, sourceFiles } from '../check/root.ts'
import { checkTable } from './check-table.ts'
import { type Guard, markersIn, withoutGuard } from './guard.ts'
import { GUARDS } from './guards.ts'
import { judge } from './test-run.ts'

const GUARD: Guard = {
  name: 'door',
  file: 'packages/a/src/a.ts',
  code: 'if (!isOpen) return',
  without: '',
  tests: ['packages/a/src/a.test.ts'],
}

const CODE = ['function f() {', '  // guard: door — nobody comes in', '  if (!isOpen) return', '  g()', '}', ''].join(
  '\n',
)

test('the table and the code name the same guards, and each can be taken out', () => {
  assert.deepEqual(checkTable(ROOT, sourceFiles(), GUARDS), [])
})

test('a guard is taken out where its marker is, and only if it is there once', () => {
  const removed = withoutGuard(CODE, GUARD)
  assert.ok('text' in removed)
  assert.equal(removed.text, CODE.replace('if (!isOpen) return', ''))
  // The same code elsewhere is another matter.
  const far = `${'\n'.repeat(20)}if (!isOpen) return`
  assert.ok('text' in withoutGuard(CODE + far, GUARD))
  assert.deepEqual(withoutGuard(CODE.replace('  g()', '  if (!isOpen) return'), GUARD), {
    problem: 'its code is there 2 times behind the marker',
  })
  assert.ok('problem' in withoutGuard(CODE + CODE, GUARD))
  assert.ok('problem' in withoutGuard(CODE.replace('door', 'gate'), GUARD))
})

test('a marker names its guard and says why; what is nearly one is told', () => {
  assert.deepEqual(markersIn(CODE), { markers: [{ name: 'door', line: 2 }], misspelt: [] })
  for (const line of ['// guard: door', '// guard: door - why', '// Guard: door — why', '// guards: door — why']) {
    assert.deepEqual(markersIn(line), { markers: [], misspelt: [1] })
  }
  assert.deepEqual(markersIn('// guarded by the door').misspelt, [])
})

test('what the table and the code do not agree on is told', () => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-guards-test-'))
  try {
    const write = (file: string, text: string): void => {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    write(GUARD.file, CODE)
    write('packages/a/src/b.ts', '// guard: window — why\n')
    write('packages/a/src/a.test.ts', '')
    const files = [GUARD.file, 'packages/a/src/b.ts', 'packages/a/src/a.test.ts']
    assert.deepEqual(checkTable(root, files, [GUARD]), [
      'packages/a/src/b.ts:1: window has no line in deploy/guards for this file',
    ])
    const roof = { ...GUARD, name: 'roof', tests: ['packages/a/src/roof.test.ts'] }
    assert.deepEqual(checkTable(root, files.slice(0, 1), [GUARD, GUARD, roof]), [
      'door: is in the table twice',
      'door: there is no packages/a/src/a.test.ts',
      'door: there is no packages/a/src/a.test.ts',
      `roof: no marker in ${GUARD.file}`,
      'roof: there is no packages/a/src/roof.test.ts',
    ])
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('red counts only when the code still loads', () => {
  const result = { isPassed: true, name: 'a', file: 'a.test.ts', isFile: false, isAssertion: false, message: '' }
  const passed = result
  const failed = { ...result, isPassed: false }
  const kindOf = (code: number, ...results: (typeof result)[]): string => judge({ results, stderr: '', code }).kind
  assert.equal(kindOf(0, passed), 'green')
  assert.equal(kindOf(1, { ...failed, isAssertion: true }), 'red')
  assert.equal(kindOf(1, passed, failed), 'red')
  assert.equal(kindOf(1, failed), 'broken')
  assert.equal(kindOf(1, passed, { ...failed, isFile: true }), 'broken')
  assert.equal(kindOf(1), 'broken')
})
