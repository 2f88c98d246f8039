import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { saveCredentials } from '@rollcall/ue'
import {
  ALICE,
  BOB,
  type NafAnswer,
  type NafRequest,
  openUtBench,
  placeOf,
  testCredentials,
} from '@rollcall/ue/testing'
import { runCli } from '../cli.ts'

const ADDRESS = '127.47.2.1'
const RULES = `/pres-rules/users/${ALICE}/index`

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Bench extends AsyncDisposable {
  readonly requests: readonly NafRequest[]
  readonly folder: string
  script: (request: NafRequest) => NafAnswer
  run(...args: string[]): Promise<Run>
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const ut = opened.use(await openUtBench(ADDRESS))
  const file = join(ut.folder, 'alice.json')
  const places = {
    bsf: `http://${ADDRESS}:${ut.bsf.port}`,
    ap: { address: ADDRESS, port: ut.naf.port },
    caFile: join(ut.folder, 'pki', 'ca.crt'),
  }
  await saveCredentials(file, { ...testCredentials(placeOf(9)), ut: places })
  const toClose = opened.move()
  const bench: Bench = {
    requests: ut.naf.requests,
    folder: ut.folder,
    script: () => ({ status: 404 }),
    async run(...args) {
      let [stdout, stderr] = ['', '']
      const code = await runCli([...args, '--credentials', file], {
        stdout: (text) => (stdout += text),
        stderr: (text) => (stderr += text),
        env: {},
        signal: new AbortController().signal,
      })
      return { code, stdout, stderr }
    },
    [Symbol.asyncDispose]: () => toClose.disposeAsync(),
  }
  ut.naf.script = (request) => bench.script(request)
  return bench
}

function document(body: Buffer, etag = '"1"'): NafAnswer {
  return { status: 200, headers: { 'Content-Type': 'application/auth-policy+xml', ETag: etag }, body }
}

test('ue rules allow makes the first rules, and says whom they let wait', async () => {
  await using bench = await openBench()
  bench.script = ({ method }) => (method === 'PUT' ? { status: 201, headers: { ETag: '"1"' } } : { status: 404 })
  const { code, stdout, stderr } = await bench.run('ue', 'rules', 'allow', 'bob')
  assert.deepEqual([code, stderr], [0, ''])
  assert.equal(
    stdout,
    `${BOB}: allow, in force\nthese are your first rules: everybody else waits for your word from now on\n`,
  )
  const put = bench.requests.at(-1)
  assert.deepEqual([put?.path, put?.headers['if-none-match']], [RULES, '*'])

  bench.script = () => document(put?.body ?? Buffer.alloc(0))
  assert.equal((await bench.run('ue', 'rules', 'allow', 'bob')).stdout, `${BOB}: allow already\n`)
  assert.equal(
    (await bench.run('ue', 'rules', 'show')).stdout,
    `rules of ${ALICE}; of several that match the strongest counts\n` +
      `  allow         ${BOB}  (rule rollcall-allow)\n` +
      '  confirm       everybody  (rule rollcall-others)\n',
  )
  const json = JSON.parse((await bench.run('ue', 'rules', 'show', '--json')).stdout)
  assert.deepEqual(json.rules[0], {
    id: 'rollcall-allow',
    handling: 'allow',
    who: [{ kind: 'one', id: BOB }],
    when: [],
    shows: ['provide-devices', 'provide-persons', 'provide-services', 'provide-all-attributes'],
  })
})

test('ue rules show says so when there are none, and ue rules set replaces them under its condition', async () => {
  await using bench = await openBench()
  assert.match((await bench.run('ue', 'rules', 'show')).stdout, /^no rules: what the operator provisioned counts\n$/)
  const file = join(bench.folder, 'rules.xml')
  await writeFile(file, '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"/>')
  bench.script = () => ({ status: 200, headers: { ETag: '"2"' } })
  const { stdout } = await bench.run('ue', 'rules', 'set', file, '--if-match', '"1"')
  assert.equal(stdout, `rules of ${ALICE} replaced, in force\n`)
  const put = bench.requests.at(-1)
  assert.deepEqual([put?.headers['if-match'], put?.headers['content-type']], ['"1"', 'application/auth-policy+xml'])
  assert.equal((await bench.run('ue', 'rules', 'set', join(bench.folder, 'none.xml'))).code, 1)
})

test('ue xcap get, put and delete take a selector as a person writes it (RFC 4825 section 6)', async () => {
  await using bench = await openBench()
  bench.script = () => document(Buffer.from('<a/>\n'))
  const got = await bench.run('ue', 'xcap', 'get', 'pres-rules/index')
  assert.deepEqual([got.code, got.stdout], [0, '<a/>\n'])
  assert.equal(bench.requests.at(-1)?.path, RULES)
  const file = join(bench.folder, 'got.xml')
  await bench.run('ue', 'xcap', 'get', 'xcap-caps/global/index', file)
  assert.equal(await readFile(file, 'utf8'), '<a/>\n')
  assert.equal(bench.requests.at(-1)?.path, '/xcap-caps/global/index')

  const node = 'pres-rules/index/~~/cp:ruleset/cp:rule[@id="x"]?xmlns(cp=urn:ietf:params:xml:ns:common-policy)'
  bench.script = () => ({ status: 201, headers: { ETag: '"2"' } })
  const put = await bench.run('ue', 'xcap', 'put', node, file, '--if-match', '"1"')
  assert.deepEqual([put.code, put.stdout], [0, 'made, now "2"\n'])
  const request = bench.requests.at(-1)
  assert.equal(
    request?.path,
    `${RULES}/~~/cp:ruleset/cp:rule%5B@id=%22x%22%5D?xmlns(cp=urn:ietf:params:xml:ns:common-policy)`,
  )
  assert.equal(request?.headers['content-type'], 'application/xcap-el+xml')
  await bench.run('ue', 'xcap', 'put', 'pidf-manipulation/index/~~/presence/@entity', file)
  assert.equal(bench.requests.at(-1)?.headers['content-type'], 'application/xcap-att+xml')
  await bench.run('ue', 'xcap', 'put', 'pidf-manipulation/index', file)
  assert.equal(bench.requests.at(-1)?.headers['content-type'], 'application/pidf+xml')

  bench.script = () => ({ status: 200 })
  assert.equal((await bench.run('ue', 'xcap', 'delete', 'pres-rules/index')).stdout, 'deleted\n')
  assert.equal(bench.requests.at(-1)?.method, 'DELETE')
})

test('wrong usage is told before anything is asked; a refusal is exit code 1 with its condition', async () => {
  await using bench = await openBench()
  const usages: [string[], RegExp][] = [
    [['ue', 'xcap', 'get', 'pres-rules'], /names no document/],
    [['ue', 'xcap', 'put', 'my-own/index', 'x'], /say by --type what documents of my-own are/],
    [['ue', 'rules', 'allow', 'sip:@'], /is no SIP or tel URI/],
    [['ue', 'rules', 'show', '--ap', 'here'], /--ap must be ADDRESS:PORT/],
    [['ue', 'rules', 'show', '--older-key', '--ua-access', 'psk-tls12'], /--older-key goes with --ua-access digest/],
  ]
  for (const [args, message] of usages) {
    const { code, stderr } = await bench.run(...args)
    assert.equal(code, 2)
    assert.match(stderr, message)
  }
  assert.equal(bench.requests.length, 0)
  bench.script = () => ({
    status: 409,
    headers: { 'Content-Type': 'application/xcap-error+xml' },
    body: Buffer.from('<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><cannot-delete/></xcap-error>'),
  })
  const { code, stderr } = await bench.run('ue', 'xcap', 'delete', 'pres-rules/index')
  assert.deepEqual([code, stderr], [1, 'rollcall: the request was refused: 409 Conflict (cannot-delete)\n'])
})

test("nothing of a command but the ISIM's state is left in the folder: the key lives in memory", async () => {
  await using bench = await openBench()
  await bench.run('ue', 'rules', 'show')
  const { readdir } = await import('node:fs/promises')
  assert.deepEqual((await readdir(bench.folder)).toSorted(), ['alice.json', 'alice.json.state', 'pki'])
})
