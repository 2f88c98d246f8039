import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Secret } from '@rollcall/core'
import { leafFiles } from '@rollcall/pki'
import { ConfigError } from '@rollcall/runtime'
import { ApStack, OTHER, REALM, XCAP } from './testing/ap-stack.ts'
import { DOCUMENT, PlayedUe } from './testing/played-ue.ts'

const address = '127.44.2.4'
const run = promisify(execFile)
const ALICE = 'alice_private@home1.net'
const PASSWORD = 'w0nderl@nd "and" \\ more'

async function withPassword(stack: ApStack): Promise<ApStack> {
  stack.hss.passwords.set(ALICE, { password: PASSWORD, impus: ['sip:alice@home1.net'] })
  return stack
}

/** What curl gets: `STATUS BODY`. */
async function curl(stack: ApStack, ...options: readonly string[]): Promise<string> {
  const port = stack.ports.digest
  const { stdout } = await run('curl', [
    ...[
      '--silent',
      '--show-error',
      '--max-time',
      '10',
      '--http1.1',
      '--cacert',
      leafFiles(stack.folder, 'public').caFile,
    ],
    ...['--resolve', `${XCAP}:${port}:${address}`, '--write-out', ' %{http_code}', ...options],
    `https://${XCAP}:${port}${DOCUMENT}`,
  ])
  return stdout
}

for (const algorithms of ['SHA-256', 'MD5', 'SHA-256,MD5']) {
  test(`curl --digest gets in with a provisioned password, ${algorithms} offered (TS 33.141 clause 5.1.4, RFC 7616, RFC 8760)`, async (t) => {
    const env = { ROLLCALL_AP_MEANS: 'password,gba-digest', ROLLCALL_AP_PASSWORD_ALGORITHMS: algorithms }
    const stack = await withPassword(await ApStack.start(t, address, { env }))
    assert.equal(await curl(stack, '--digest', '--user', `${ALICE}:${PASSWORD}`), 'document 200')
    assert.equal(stack.as.seen[0]?.headers['x-3gpp-asserted-identity'], '"sip:alice@home1.net"')
    assert.match(await curl(stack, '--digest', '--user', `${ALICE}:guess`), / 401$/)
    assert.match(await curl(stack, '--digest', '--user', `nobody@home1.net:${PASSWORD}`), / 401$/)
    assert.equal(stack.as.seen.length, 1)
    assert.equal(stack.hss.asked[0]?.realm, REALM)
  })
}

test('curl puts a document with a password and a body', async (t) => {
  const stack = await withPassword(await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'password' } }))
  const file = join(stack.folder, 'rules.xml')
  await writeFile(file, '<rules/>')
  assert.match(await curl(stack, '--digest', '--user', `${ALICE}:${PASSWORD}`, '--upload-file', file), / 201$/)
  assert.equal(stack.as.seen[0]?.body.toString(), '<rules/>')
})

test('where passwords are not open the right one gets nobody in (TS 33.141 clause 5.1.4)', async (t) => {
  const stack = await withPassword(await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'gba-digest' } }))
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const challenge = { ...(await ue.challenged()), realm: REALM, algorithm: 'SHA-256' } as const
  const user = { username: ALICE, password: new Secret(Buffer.from(PASSWORD)), algorithm: 'SHA-256' } as const
  const answer = await ue.send({ headers: { Authorization: ue.proveBy(user, challenge) } })
  assert.equal(answer.status, 401)
  assert.deepEqual(
    answer.challenges.map(({ realm }) => realm),
    [`3GPP-bootstrapping@${XCAP}`],
  )
  assert.equal(stack.hss.asked.length, 0)
})

test('a weaker hash than was offered is not taken (RFC 8760 section 3)', async (t) => {
  const stack = await withPassword(await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'password' } }))
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const [challenge] = (await ue.send()).challenges
  assert.ok(challenge)
  assert.equal(challenge.algorithm, 'SHA-256')
  const password = new Secret(Buffer.from(PASSWORD))
  const proof = (algorithm: 'MD5' | 'SHA-256') => ue.proveBy({ username: ALICE, password, algorithm }, challenge)
  assert.equal((await ue.send({ headers: { Authorization: proof('MD5') } })).status, 401)
  assert.equal((await ue.send({ headers: { Authorization: proof('SHA-256') } })).status, 200)
})

test('where GBA digest is not open a bootstrapped key gets nobody in', async (t) => {
  const stack = await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'password' } })
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const [challenge] = (await ue.send()).challenges
  assert.ok(challenge)
  const realm = `3GPP-bootstrapping@${XCAP}`
  assert.equal((await ue.send({ headers: { Authorization: ue.prove(session, { ...challenge, realm }) } })).status, 401)
  assert.equal(stack.bsf.asked.length, 0)
})

test('a UE that says it can bootstrap is asked for that; another is offered the password first (TS 24.109 clause 5.2.1, TS 24.109 clause 5.2.4, TS 24.109 clause 5.3.2.3)', async (t) => {
  const stack = await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'password,gba-digest' } })
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const realms = async (agent: string) =>
    (await ue.send({ headers: { 'User-Agent': agent } })).challenges.map(({ realm }) => realm)
  const gba = `3GPP-bootstrapping@${XCAP}`
  for (const agent of [
    '3gpp-gba',
    'NAF1 Application Agent; Release-6 3gpp-gba',
    'x (3gpp-gba)',
    'x/1 3GPP-GBA-uicc/2',
  ]) {
    assert.deepEqual(await realms(agent), [gba], agent)
  }
  for (const agent of ['curl/8', 'my3gpp-gba', '3gpp-gba-x']) assert.deepEqual(await realms(agent), [REALM, gba], agent)
})

test('a certificate of an authority of UEs gets its owner in, where that is open (TS 33.222 clause 5.5, TS 24.109 clause 5.3.4, TS 33.141 clause 5.1.4)', async (t) => {
  const open = await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'gba-digest,client-certificate' } })
  const closed = await ApStack.start(t, address)
  for (const [stack, status] of [
    [open, 200],
    [closed, 401],
  ] as const) {
    const pair = await stack.ueCertificate('alice', ['sip:alice@home1.net', 'tel:+15550100'])
    const ue = await PlayedUe.open(stack, pair)
    t.after(() => ue.close())
    assert.equal((await ue.send()).status, status)
  }
  assert.equal(open.as.seen[0]?.headers['x-3gpp-asserted-identity'], '"sip:alice@home1.net", "tel:+15550100"')
})

test('each NAF has its own means: a certificate that one takes is nothing to the other (TS 33.141 clause 5.1.4)', async (t) => {
  const nafs = [{ fqdn: XCAP }, { fqdn: OTHER, means: ['client-certificate'] }]
  const stack = await ApStack.start(t, address, { nafs })
  const pair = await stack.ueCertificate('alice', ['sip:alice@home1.net'])
  for (const [fqdn, status] of [
    [XCAP, 401],
    [OTHER, 200],
  ] as const) {
    const ue = await PlayedUe.open(stack, { ...pair, fqdn })
    t.after(() => ue.close())
    assert.equal((await ue.send()).status, status)
  }
})

test('a certificate of a stranger, or one that names nobody, gets nobody in; its owner may still bootstrap', async (t) => {
  const stack = await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'gba-digest,client-certificate' } })
  const session = stack.bsf.bootstrap('alice')
  const pairs = [
    await stack.ueCertificate('forged', ['sip:alice@home1.net'], true),
    await stack.ueCertificate('nobody', []),
    {
      cert: await readFile(leafFiles(stack.folder, 'ap').certFile),
      key: await readFile(leafFiles(stack.folder, 'ap').keyFile),
    },
  ]
  for (const pair of pairs) {
    const ue = await PlayedUe.open(stack, pair)
    t.after(() => ue.close())
    assert.equal((await ue.send()).status, 401)
    assert.equal((await ue.ask(session)).status, 200)
  }
})

test('openssl s_client gets in with a certificate, and a session that is resumed shows none', async (t) => {
  const stack = await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'client-certificate' } })
  const { cert, key } = await stack.ueCertificate('alice', ['sip:alice@home1.net'])
  const [certFile, keyFile] = [join(stack.folder, 'ue.crt'), join(stack.folder, 'ue.key')]
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
  const ca = leafFiles(stack.folder, 'public').caFile
  const request = `GET ${DOCUMENT} HTTP/1.1\\r\\nHost: ${XCAP}\\r\\nConnection: close\\r\\n\\r\\n`
  const client = (...options: string[]) =>
    run('sh', [
      '-c',
      `printf '${request}' | openssl s_client -ign_eof -connect ${address}:${stack.ports.digest} -servername ${XCAP} -CAfile ${ca} -verify_return_error ${options.join(' ')} 2>&1`,
    ])
  assert.match((await client('-cert', certFile, '-key', keyFile)).stdout, /HTTP\/1\.1 200 OK/)
  assert.match((await client()).stdout, /HTTP\/1\.1 403 /, 'with nothing that HTTP could ask for')
  const session = join(stack.folder, 'session')
  await client('-tls1_2', '-cert', certFile, '-key', keyFile, '-sess_out', session)
  assert.match((await client('-tls1_2', '-sess_in', session)).stdout, /HTTP\/1\.1 403 /)
})

test('a means that lacks what it needs is told at the start', async (t) => {
  for (const [means, setting] of [
    ['password', 'ROLLCALL_HSS_TARGET'],
    ['client-certificate', 'ROLLCALL_AP_CLIENT_CA_FILE'],
  ] as const) {
    await assert.rejects(
      ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: means, [setting]: '' } }),
      (error) => error instanceof ConfigError && error.problems.some(({ name }) => name === setting),
    )
  }
})
