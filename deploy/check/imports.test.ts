import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { checkImports } from './imports.ts'

function faultsIn(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-imports-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), text)
    }
    return checkImports(root, Object.keys(files)).map((fault) => `${fault.file} ${fault.specifier}`)
  } finally {
    rmSync(root, { recursive: true })
  }
}

test('arrows go one way: services → packages → node', () => {
  assert.deepEqual(
    faultsIn({
      'services/hss/src/a.ts': "import { x } from '@rollcall/scscf'\nimport { y } from '../../pcscf/src/b.ts'\n",
      'packages/store/src/a.ts': "import { x } from '@rollcall/presence'\nimport { y } from '@rollcall/core'\n",
      'packages/store/src/b.ts': "import { x } from './a'\nimport { x2 } from './a.ts'\n",
    }),
    [
      'services/hss/src/a.ts @rollcall/scscf',
      'services/hss/src/a.ts ../../pcscf/src/b.ts',
      'packages/store/src/a.ts @rollcall/presence',
      'packages/store/src/b.ts ./a',
    ],
  )
})

test('pure packages take clock, chance and I/O as arguments', () => {
  assert.deepEqual(
    faultsIn({
      'packages/sip/src/a.ts': "import { createSocket } from 'node:dgram'\n// Date.now() is banned here\n",
      'packages/sip/src/b.ts': 'export const t = () => Date.now()\n',
      'packages/sip/src/b.test.ts': "import fc from 'fast-check'\nexport const t = () => Date.now()\n",
      'packages/aka/src/a.ts': "import { createHmac } from 'node:crypto'\nimport type { Sip } from '@rollcall/sip'\n",
    }),
    ['packages/sip/src/a.ts node:dgram', 'packages/sip/src/b.ts Date.now', 'packages/aka/src/a.ts @rollcall/sip'],
  )
})

test('what ships does not import what is for tests', () => {
  assert.deepEqual(faultsIn({ 'services/hss/src/a.ts': "import { startTestStore } from '@rollcall/dev-env'\n" }), [
    'services/hss/src/a.ts @rollcall/dev-env',
  ])
})

test('the simulator runs the Presence Server’s partitions, and nothing that ships leans on the simulator', () => {
  const inside = "import { Partitions } from '@rollcall/presence/partition'\n"
  assert.deepEqual(
    faultsIn({
      'packages/sim/src/a.ts': inside,
      'packages/sim/src/b.ts': "import { x } from '@rollcall/presence'\nimport { y } from '@rollcall/scscf'\n",
      'packages/store/src/a.ts': inside,
      'services/presence/src/a.ts': "import { History } from '@rollcall/sim/history'\n",
    }),
    [
      'packages/sim/src/b.ts @rollcall/presence',
      'packages/sim/src/b.ts @rollcall/scscf',
      'packages/store/src/a.ts @rollcall/presence/partition',
      'services/presence/src/a.ts @rollcall/sim/history',
    ],
  )
})
