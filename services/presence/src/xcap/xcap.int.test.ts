import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { issueLeaf } from '@rollcall/pki'
import { HttpsClient, type HttpsClientAnswer } from '@rollcall/runtime'
import { ALICE, ALICE_TEL, BOB } from '../testing/inputs.ts'
import { Stack, until } from '../testing/stack.ts'

const ADDRESS = '127.45.1.1'
const PORTS = [17_201, 17_202] as const
const RULES_TYPE = 'application/auth-policy+xml'

const rules = (id: string): string =>
  '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules">' +
  `<cp:rule id="${id}"><cp:actions><sub-handling>allow</sub-handling></cp:actions></cp:rule></cp:ruleset>`

let stack: Stack
let clients: HttpsClient[]

before(async () => {
  stack = await Stack.start(ADDRESS, { isEmpty: true })
  for (const [i, port] of PORTS.entries()) {
    const replica = stack.replica(i, { ROLLCALL_XCAP_LISTEN: `${ADDRESS}:${port}` })
    await replica.startProcess()
  }
  clients = []
  for (const port of PORTS) clients.push(await clientOf('ap', port))
})

after(async () => {
  for (const client of clients ?? []) client[Symbol.dispose]()
  await stack?.[Symbol.asyncDispose]()
})

async function clientOf(role: string, port: number): Promise<HttpsClient> {
  const leaf = { name: role, role, dnsNames: [] }
  await issueLeaf({ folder: stack.store.pkiFolder, trustDomain: stack.store.trustDomain, leaf })
  const { identity, metrics } = await stack.runtimeOf(role)
  return new HttpsClient({ targets: [`${ADDRESS}:${port}`], role: 'presence', identity, metrics })
}

async function send(
  client: HttpsClient,
  method: string,
  o: { user?: string; tree?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<HttpsClientAnswer> {
  const { user = ALICE, tree = ALICE, body, headers } = o
  return await client.send({
    method,
    path: `/pres-rules/users/${encodeURIComponent(tree)}/index`,
    headers: {
      'x-3gpp-asserted-identity': `"${user}"`,
      ...(body !== undefined && { 'content-type': RULES_TYPE }),
      ...headers,
    },
    ...(body !== undefined && { body: Buffer.from(body) }),
  })
}

/** What is on its way, or has lost its owner, is asked for again. */
async function untilAnswered(ask: () => Promise<HttpsClientAnswer>): Promise<HttpsClientAnswer> {
  let answer: HttpsClientAnswer | undefined
  await until(
    async () => {
      answer = await ask().catch(() => undefined)
      return answer !== undefined && answer.status !== 503
    },
    'the partition is served',
    30_000,
  )
  assert.ok(answer)
  return answer
}

test('either replica takes a document, and either gives it (ARCHITECTURE, decision 11)', async () => {
  const [one, other] = clients
  assert.ok(one && other)
  const put = await untilAnswered(() => send(one, 'PUT', { body: rules('first') }))
  assert.equal(put.status, 201)
  for (const client of [one, other]) {
    const read = await untilAnswered(() => send(client, 'GET', { user: ALICE_TEL, tree: ALICE_TEL }))
    assert.equal(read.body.toString(), rules('first'))
    assert.equal(read.headers.etag, put.headers.etag)
  }
  assert.equal((await send(other, 'PUT', { user: BOB, body: rules('foreign') })).status, 403)
})

test('kill -9 amid PUTs: what was answered 2xx is there, whoever has the partition then', async () => {
  const [one, other] = clients
  assert.ok(one && other)
  for (let round = 0; round < 2; round++) {
    const acknowledged: string[] = []
    const writing = (async () => {
      for (let i = 0; i < 60; i++) {
        const id = `r${round}-${i}`
        const answer = await send(i % 2 === 0 ? one : other, 'PUT', { body: rules(id) }).catch(() => undefined)
        if (answer && answer.status < 300) acknowledged.push(id)
      }
    })()
    await until(() => acknowledged.length >= 10, 'some PUTs are acknowledged', 30_000)
    const victim = stack.replica(round)
    await victim.kill()
    await writing
    await victim.startProcess()
    const read = await untilAnswered(() => send(clients[round] ?? one, 'GET'))
    const [, last = ''] = /rule id="([^"]+)"/.exec(read.body.toString()) ?? []
    // A PUT whose answer was lost may have been done after the last that was acknowledged.
    const number = (id: string): number => Number(id.split('-')[1])
    assert.ok(last.startsWith(`r${round}-`), last)
    assert.ok(number(last) >= number(acknowledged.at(-1) ?? ''), `${last} ${acknowledged.at(-1)}`)
  }
})

test('who is not the Authentication Proxy is refused, whatever it says who asks (TS 33.222 clause 6)', async () => {
  await untilAnswered(() => send(clients[0] ?? assert.fail(), 'GET'))
  for (const role of ['scscf', 'presence', 'operator']) {
    using client = await clientOf(role, PORTS[0])
    assert.equal((await send(client, 'GET')).status, 403, role)
  }
})
