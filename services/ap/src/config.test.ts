import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { renderConfigTable } from '@rollcall/runtime'
import { apShape } from './config.ts'
import { NafsError } from './errors.ts'
import { NafTable, readNafs } from './nafs/naf.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/
const DEFAULTS = { means: ['gba-digest'], uaProtocols: ['cipher-suite'], targets: ['presence-0:17203'] } as const

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(apShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

async function fileWith(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-nafs-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'nafs.json'), text)
  return join(folder, 'nafs.json')
}

test("the README's file of NAFs can be read, and what an entry leaves out is as the settings say", async (t) => {
  const example = /```json\n([\s\S]*?)```/.exec(await readFile(README, 'utf8'))?.[1] ?? ''
  const nafs = new NafTable(await readNafs(await fileWith(t, example), DEFAULTS))
  const xcap = nafs.find('XCAP.home1.net')
  assert.deepEqual([...(xcap?.means ?? [])], ['gba-digest'])
  assert.deepEqual(xcap?.routes, [{ auids: ['*'], targets: ['presence-0:17203'], role: 'presence' }])
  assert.equal(xcap?.gbaRealm, '3GPP-bootstrapping@xcap.home1.net')
  const other = nafs.find('as2.home1.net')
  assert.deepEqual([...(other?.means ?? [])], ['gba-psk', 'client-certificate'])
  assert.equal(other?.xcapRoot, '/services/')
  assert.deepEqual(
    other?.routes.map(({ role }) => role),
    ['presence', 'presence'],
  )
  assert.equal(nafs.find('elsewhere.net'), undefined)
  assert.equal(nafs.only, undefined)
  assert.ok(nafs.hasOpen('gba-psk') && !nafs.hasOpen('password'))
})

for (const [what, text] of [
  ['no JSON', '{'],
  ['no NAF', '{"nafs": []}'],
  ['a name that is none', '{"nafs": [{"fqdn": "a b"}]}'],
  ['a means that is none', '{"nafs": [{"fqdn": "a.net", "means": ["trust"]}]}'],
  ['a word that is not known', '{"nafs": [{"fqdn": "a.net", "mean": ["gba-digest"]}]}'],
  ['a root that climbs', '{"nafs": [{"fqdn": "a.net", "xcapRoot": "/a/../"}]}'],
  ['a target without a port', '{"nafs": [{"fqdn": "a.net", "routes": [{"auids": ["*"], "targets": ["host"]}]}]}'],
  [
    'a route to a role that has no documents',
    '{"nafs": [{"fqdn": "a.net", "routes": [{"auids": ["*"], "targets": ["h:1"], "role": "scscf"}]}]}',
  ],
] as const) {
  test(`a file of NAFs with ${what} is refused`, async (t) => {
    await assert.rejects(readNafs(await fileWith(t, text), DEFAULTS), NafsError)
  })
}
