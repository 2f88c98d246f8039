import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, loadConfig, renderConfigTable, sharedShape } from '@rollcall/runtime'
import { presenceShape } from './config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(presenceShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

test('all that is wrong with the settings is told at once', () => {
  const env = { ROLLCALL_HSS_TARGET: 'nowhere', ROLLCALL_PRESENCE_NOTIFY_GRACE_MS: 'long' }
  assert.throws(
    () => loadConfig({ service: 'presence', shape: { ...sharedShape, ...presenceShape }, env }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const names = error.problems.map(({ name }) => name)
      for (const name of ['ROLLCALL_HSS_TARGET', 'ROLLCALL_PRESENCE_NOTIFY_GRACE_MS', 'ROLLCALL_HOP_ROUTES']) {
        assert.ok(names.includes(name), name)
      }
      return true
    },
  )
})
