import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, loadConfig, renderConfigTable, sharedShape } from '@rollcall/runtime'
import { bsfNameBy, bsfShape, nafSettings } from './config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(bsfShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

test('all that is wrong with the settings is told at once', () => {
  const env = {
    ROLLCALL_BSF_KEY_LIFETIME_SECONDS: '1',
    ROLLCALL_BSF_NAF_GROUPS: 'xcap',
    ROLLCALL_BSF_NAF_GSIDS: 'xcap=2,3',
    ROLLCALL_BSF_IMPI_NAFS: 'a b',
    ROLLCALL_BSF_CHALLENGE_SECONDS: '600',
  }
  assert.throws(
    () => loadConfig({ service: 'bsf', shape: { ...sharedShape, ...bsfShape }, env }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const names = error.problems.map(({ name }) => name)
      for (const name of [...Object.keys(env), 'ROLLCALL_BSF_SEALING_KEYS_FILE', 'ROLLCALL_HSS_TARGET']) {
        assert.ok(names.includes(name), name)
      }
      return true
    },
  )
})

test('the BSF is called as its realm says, or as it is told (TS 23.003 clause 16.2)', () => {
  const ROLLCALL_REALM = 'ims.mnc001.mcc001.3gppnetwork.org'
  const byRealm = bsfNameBy({ ROLLCALL_REALM, ROLLCALL_BSF_NAME: undefined })
  assert.equal(byRealm, 'bsf.ims.mnc001.mcc001.pub.3gppnetwork.org')
  assert.equal(bsfNameBy({ ROLLCALL_REALM, ROLLCALL_BSF_NAME: 'bsf.example.org' }), 'bsf.example.org')
})

test('NAFs are found by name in any case', () => {
  const nafs = nafSettings({
    ROLLCALL_BSF_IMPI_NAFS: 'A.org,b.org',
    ROLLCALL_BSF_NAF_GROUPS: 'A.org=x,b.org=y',
    ROLLCALL_BSF_NAF_GSIDS: 'A.org=2+3,b.org=4',
  })
  assert.deepEqual([nafs.knowsImpi('a.org'), nafs.knowsImpi('c.org')], [true, false])
  assert.deepEqual([nafs.groupOf('a.org'), nafs.groupOf('b.org'), nafs.groupOf('c.org')], ['x', 'y', ''])
  assert.deepEqual([nafs.mayAsk('a.org', 3), nafs.mayAsk('b.org', 3), nafs.mayAsk('c.org', 3)], [true, false, false])
})
