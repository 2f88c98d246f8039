import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { PRESENCE_RULES_USAGE, parseXcapUri } from '@rollcall/xcap'
import { FrontStage, REALM } from '../testing/front-stage.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY, BOB, CAROL, pidf, publish, subscribe } from '../testing/inputs.ts'
import { authorization, PlayedPasswords, readChallenge } from '../testing/played-passwords.ts'
import { subscribeRequest } from '../testing/requests.ts'
import { settled } from '../testing/stage.ts'

const BOB_TEL = parseImpu('tel:+15550101')
const ANONYMOUS = parseImpu('sip:anonymous@anonymous.invalid')
const IMPI = `001010000000003@${REALM}`
const PASSWORD = 'correct horse'

/** What a SUBSCRIBE came to: its status, or for 200 what was told. */
type Outcome = 'all' | 'closed' | 'pending' | 401 | 403

/** A watcher as he comes to the Presence Server: what is asserted, what he says in From and Privacy, his password. */
interface Way {
  readonly asserted: readonly Impu[]
  readonly from: Impu
  readonly hides?: boolean
  readonly password?: string
  /** Alice's watcher information may name him. */
  readonly isNamed?: boolean
}

/** Bob in each kind of identity, and carol, whom no rule names. */
const WAYS = {
  verified: { asserted: [BOB, BOB_TEL], from: BOB, isNamed: true },
  'verified carol': { asserted: [CAROL], from: CAROL },
  pseudonymous: { asserted: [BOB, BOB_TEL], from: ANONYMOUS, hides: true },
  'authenticated, hides': { asserted: [BOB, BOB_TEL], from: ANONYMOUS, hides: true, password: PASSWORD },
  'authenticated, anonymous': { asserted: [], from: ANONYMOUS, password: PASSWORD },
  'authenticated, by name': { asserted: [], from: BOB, password: PASSWORD, isNamed: true },
  'unverified, claims bob': { asserted: [], from: BOB },
  'unverified, anonymous': { asserted: [], from: ANONYMOUS, hides: true },
  'unverified, wrong password': { asserted: [], from: BOB, password: 'wrong horse' },
} as const satisfies Record<string, Way>

const ONE_BOB = `<cp:identity><cp:one id="${BOB}"/></cp:identity>`
const PHONE =
  rule(ONE_BOB, 'allow', 'a') +
  rule('<ocp:other-identity/>', 'confirm', 'b') +
  rule('<ocp:anonymous-request/>', 'polite-block', 'c')

/** Outcomes in the order of the ways; `undefined`: no rules, what the operator provisioned counts. */
const TABLE: readonly (readonly [string, string | undefined, readonly Outcome[]])[] = [
  ['no rule', '', [403, 403, 401, 403, 403, 403, 401, 401, 401]],
  ['bob allowed', rule(ONE_BOB, 'allow'), ['all', 403, 401, 'all', 'all', 'all', 401, 401, 401]],
  ['bob by tel', rule(ONE_BOB.replace(BOB, BOB_TEL), 'allow'), ['all', 403, 401, 'all', 'all', 'all', 401, 401, 401]],
  ['bob to confirm', rule(ONE_BOB, 'confirm'), ['pending', 403, 401, 'pending', 'pending', 'pending', 401, 401, 401]],
  ['bob politely', rule(ONE_BOB, 'polite-block'), ['closed', 403, 401, 'closed', 'closed', 'closed', 401, 401, 401]],
  ['bob blocked', rule(ONE_BOB, 'block'), [403, 403, 401, 403, 403, 403, 401, 401, 401]],
  ['whomever allowed', rule('', 'allow'), ['all', 'all', 'all', 'all', 'all', 'all', 401, 401, 401]],
  // Who gets an answer without a name is not asked for it.
  ['a phone’s rules', PHONE, ['all', 'pending', 'closed', 'closed', 'all', 'all', 401, 401, 401]],
  ['provisioned: all but mallory', undefined, ['all', 'all', 401, 'all', 'all', 'all', 401, 401, 401]],
]

function rule(who: string, handling: string, id = 'r'): string {
  return (
    `<cp:rule id="${id}"><cp:conditions>${who}</cp:conditions><cp:actions><sub-handling>${handling}</sub-handling>` +
    '</cp:actions><cp:transformations><provide-services><all-services/></provide-services><provide-all-attributes/>' +
    '</cp:transformations></cp:rule>'
  )
}

async function open(rules: string | undefined): Promise<FrontStage> {
  const passwords = new PlayedPasswords([{ username: IMPI, realm: REALM, password: PASSWORD, impus: [BOB, BOB_TEL] }])
  const front = await FrontStage.open(passwords)
  const { stage, owner } = front
  stage.ask(owner, publish({ body: pidf('secret') }))
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE], isOwn: true }))
  if (rules !== undefined) {
    const body =
      '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules" ' +
      `xmlns:ocp="urn:oma:xml:xdm:common-policy">${rules}</cp:ruleset>`
    const outcome = await owner.document({
      presentity: ALICE,
      usage: PRESENCE_RULES_USAGE,
      request: {
        method: 'PUT',
        uri: parseXcapUri(`/pres-rules/users/${ALICE}/index`),
        contentType: PRESENCE_RULES_USAGE.mediaType,
        body: Buffer.from(body),
        ifMatch: undefined,
        ifNoneMatch: undefined,
      },
      newEtag: 'v1',
      user: { revision: 1n, policy: ALICES_POLICY, impus: [ALICE, ALICE_TEL] },
      traceparent: '',
    })
    assert.equal(outcome.kind, 'write')
  }
  await settled()
  stage.take()
  return front
}

/** Comes this way; a challenge is answered by who has a password. */
async function come({ stage, send }: FrontStage, way: Way): Promise<{ outcome: Outcome; winfo: string }> {
  const privacy: readonly (readonly [string, string])[] = way.hides ? [['Privacy', 'id']] : []
  let response = await send(subscribeRequest({ from: way.from, headers: privacy }), way.asserted)
  if (response.status === 401) {
    const lines = response.headers.getAll('WWW-Authenticate')
    const challenges = lines.map(readChallenge)
    assert.deepEqual(
      challenges.map(({ realm, algorithm, isStale }) => [realm, algorithm, isStale]),
      [
        [REALM, 'SHA-256', false],
        [REALM, 'MD5', false],
      ],
    )
    const [challenge] = challenges
    if (way.password !== undefined && challenge) {
      const proof = authorization(challenge, { username: IMPI, password: way.password, uri: ALICE })
      const headers = [...privacy, ['Authorization', proof] as const]
      response = await send(subscribeRequest({ from: way.from, headers }), way.asserted)
    }
  }
  await settled()
  const told = stage.take()
  const winfo = told.filter(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
  const [first] = told.filter(({ notice }) => notice.subscription.eventPackage === 'presence')
  const shown = first?.body === '' ? 'pending' : first?.body.includes('secret') ? 'all' : 'closed'
  const { status } = response
  assert.ok(status === 200 ? first : !first, 'who is let in is told, and nobody else')
  const outcome = status === 401 || status === 403 ? status : shown
  return { outcome, winfo: winfo.map(({ body }) => body).join('') }
}

for (const [name, rules, expected] of TABLE) {
  test(`who asks, what the rules say, what becomes of it: ${name} (RFC 3856 section 6.6.2, RFC 5025 section 3.2.1)`, async () => {
    const outcomes: Outcome[] = []
    for (const way of Object.values(WAYS) as readonly Way[]) {
      const front = await open(rules)
      const { outcome, winfo } = await come(front, way)
      outcomes.push(outcome)
      assert.equal(winfo === '', outcome === 401, 'of a challenge she is not told, of all else she is')
      if (winfo === '') continue
      const isNamed = way.isNamed === true || way.asserted.includes(CAROL)
      assert.equal(winfo.includes(BOB) || winfo.includes(CAROL) || winfo.includes(BOB_TEL), isNamed)
      assert.equal(winfo.includes(ANONYMOUS), !isNamed)
      assert.ok(!winfo.includes(IMPI), 'and no password’s owner is named')
    }
    assert.deepEqual(outcomes, expected)
  })
}
