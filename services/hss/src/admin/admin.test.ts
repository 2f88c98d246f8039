import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Algorithm, type Subscriber } from '@rollcall/proto-gen/admin'
import { RegistrationType, type ServicePointTrigger, SessionCase } from '@rollcall/proto-gen/cx'
import {
  RequestInvalidError,
  SubscriberExistsError,
  SubscriberInvalidError,
  SubscriberUnknownError,
} from '../errors.ts'
import { ALICE, adminAlice, createHss, IMPI, K, newSubscriber, OPC, REALM } from '../subscribers/testing/fixtures.ts'
import { addSubscriber } from './add-subscriber.ts'
import { getSubscriber } from './get-subscriber.ts'
import { listSubscribers } from './list-subscribers.ts'
import { removeSubscriber } from './remove-subscriber.ts'
import { validateSubscriber } from './validate-subscriber.ts'

function problemsOf(subscriber: Subscriber | undefined): readonly string[] {
  try {
    validateSubscriber(subscriber, REALM)
    return []
  } catch (error) {
    assert.ok(error instanceof SubscriberInvalidError)
    return error.problems
  }
}

/** Alice with something of hers changed. */
function changed(change: (subscriber: Subscriber) => void): Subscriber {
  const subscriber = adminAlice()
  change(subscriber)
  return subscriber
}

function profileOf(subscriber: Subscriber) {
  assert.ok(subscriber.serviceProfile)
  return subscriber.serviceProfile
}

function firstIdentity(subscriber: Subscriber) {
  const [identity] = subscriber.privateIdentities
  assert.ok(identity)
  return identity
}

function withTrigger(trigger: ServicePointTrigger['trigger'], registrationTypes: RegistrationType[] = []): Subscriber {
  return changed((subscriber) => {
    const [criteria] = profileOf(subscriber).initialFilterCriteria
    assert.ok(criteria)
    const spt = [{ conditionNegated: false, group: [0], trigger, registrationTypes }]
    criteria.triggerPoint = { conditionTypeCnf: true, spt }
  })
}

test('a subscriber is added with defaults filled in and identities in canonical form', () => {
  const given = changed((subscriber) => {
    profileOf(subscriber).publicIdentities = [
      { identity: 'tel:+1-555-0100', barringIndication: false },
      { identity: `SIP:alice@${REALM.toUpperCase()}:5060`, barringIndication: false },
    ]
    profileOf(subscriber).canonicalImpu = ''
  })
  const subscriber = validateSubscriber(given, REALM)
  assert.deepEqual(
    subscriber.serviceProfile.publicIdentities.map(({ identity }) => identity),
    ['tel:+15550100', ALICE],
  )
  assert.equal(subscriber.serviceProfile.canonicalImpu, ALICE)
  assert.equal(subscriber.privateUsers[0]?.initialSqn, 32n)
  assert.deepEqual(subscriber.privateUsers[0]?.amf, Buffer.alloc(2))
})

test('a TUAK subscriber is added, and shown without any key (TS 35.231 clause 5)', async () => {
  const { context } = await createHss()
  const subscriber = changed((given) => {
    Object.assign(firstIdentity(given), {
      algorithm: Algorithm.ALGORITHM_TUAK,
      k: Buffer.alloc(32, 0x5a),
      opc: Buffer.alloc(0),
      topc: Buffer.alloc(32, 0xa5),
    })
  })
  assert.deepEqual(await addSubscriber(context, { subscriber }), { created: true })
  assert.deepEqual(await addSubscriber(context, { subscriber }), { created: false })
  const shown = (await getSubscriber(context, { key: ALICE })).subscriber?.privateIdentities[0]
  assert.equal(shown?.algorithm, Algorithm.ALGORITHM_TUAK)
  assert.deepEqual([shown?.k.length, shown?.opc.length, shown?.topc.length], [0, 0, 0])
})

test('without a policy nobody may watch', () => {
  const { presencePolicy } = validateSubscriber(
    changed((subscriber) => {
      subscriber.presencePolicy = undefined
    }),
    REALM,
  )
  assert.deepEqual(presencePolicy, { defaultAllow: false, allow: [], block: [] })
})

test('each wrong field is named (TS 29.228 annex B.2)', () => {
  const rows: [string, Subscriber][] = [
    [
      'subscription_id: ',
      changed((s) => {
        s.subscriptionId = 'a@b'
      }),
    ],
    [
      'subscription_id: ',
      changed((s) => {
        s.subscriptionId = ''
      }),
    ],
    [
      'private_identities: must be 1',
      changed((s) => {
        s.privateIdentities = []
      }),
    ],
    ['private_identities[1].impi: is there twice', changed((s) => void s.privateIdentities.push(firstIdentity(s)))],
    [
      'private_identities[0].impi: ',
      changed((s) => {
        firstIdentity(s).impi = ALICE
      }),
    ],
    [
      'private_identities[0].k: must be 16 octets',
      changed((s) => {
        firstIdentity(s).k = Buffer.alloc(15)
      }),
    ],
    [
      'private_identities[0].opc: must be 16 octets',
      changed((s) => {
        firstIdentity(s).opc = Buffer.alloc(17)
      }),
    ],
    [
      'private_identities[0].amf: must be 2',
      changed((s) => {
        firstIdentity(s).amf = Buffer.alloc(3)
      }),
    ],
    // The separation bit is for EPS and 5GS (TS 33.102 annex H).
    [
      'private_identities[0].amf: must have',
      changed((s) => {
        firstIdentity(s).amf = Buffer.from('8000', 'hex')
      }),
    ],
    [
      'private_identities[0].sqn: ',
      changed((s) => {
        firstIdentity(s).sqn = 2n ** 48n
      }),
    ],
    [
      'private_identities[0].topc: must be 32 octets',
      changed((s) => {
        firstIdentity(s).algorithm = Algorithm.ALGORITHM_TUAK
      }),
    ],
    [
      'private_identities[0].opc: is for MILENAGE',
      changed((s) => {
        firstIdentity(s).algorithm = Algorithm.ALGORITHM_TUAK
      }),
    ],
    [
      'private_identities[0].topc: is for TUAK',
      changed((s) => {
        firstIdentity(s).topc = Buffer.alloc(32)
      }),
    ],
    [
      'private_identities[0].k: must be 16 octets',
      changed((s) => {
        firstIdentity(s).k = Buffer.alloc(32)
      }),
    ],
    [
      'private_identities[0].algorithm: ',
      changed((s) => {
        firstIdentity(s).algorithm = Algorithm.ALGORITHM_UNSPECIFIED
      }),
    ],
    [
      'service_profile: is missing',
      changed((s) => {
        s.serviceProfile = undefined
      }),
    ],
    [
      'service_profile.public_identities: must be 1',
      changed((s) => {
        profileOf(s).publicIdentities = []
      }),
    ],
    [
      'service_profile.public_identities[0]: is no',
      changed((s) => {
        profileOf(s).publicIdentities = [{ identity: 'x', barringIndication: false }]
      }),
    ],
    [
      'service_profile.public_identities[2]: is there twice',
      changed((s) => void profileOf(s).publicIdentities.push({ identity: 'tel:+15550100', barringIndication: true })),
    ],
    [
      'service_profile.public_identities[2]: must be a global',
      changed(
        (s) =>
          void profileOf(s).publicIdentities.push({
            identity: 'sip:alice@elsewhere.example',
            barringIndication: false,
          }),
      ),
    ],
    [
      'service_profile.public_identities[2]: must be a global',
      changed((s) => void profileOf(s).publicIdentities.push({ identity: 'tel:5550100', barringIndication: false })),
    ],
    [
      'service_profile.public_identities: need a sip:',
      changed((s) => {
        profileOf(s).publicIdentities = [{ identity: 'tel:+15550100', barringIndication: false }]
      }),
    ],
    [
      'service_profile.public_identities: need one that is not barred',
      changed((s) =>
        profileOf(s).publicIdentities.forEach((identity) => {
          identity.barringIndication = true
        }),
      ),
    ],
    [
      'service_profile.canonical_impu: ',
      changed((s) => {
        profileOf(s).canonicalImpu = 'tel:+15550100'
      }),
    ],
    ['presence_policy.block[1]: ', changed((s) => void s.presencePolicy?.block.push('mallory'))],
    [
      'service_profile.initial_filter_criteria[1].priority: 10',
      changed((s) => void profileOf(s).initialFilterCriteria.push(...profileOf(adminAlice()).initialFilterCriteria)),
    ],
    [
      'service_profile.initial_filter_criteria[0].application_server',
      changed((s) =>
        profileOf(s).initialFilterCriteria.forEach((criteria) => {
          criteria.applicationServer = undefined
        }),
      ),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt: ',
      changed((s) =>
        profileOf(s).initialFilterCriteria.forEach((criteria) => {
          criteria.triggerPoint = { conditionTypeCnf: true, spt: [] }
        }),
      ),
    ],
    ['service_profile.initial_filter_criteria[0].trigger_point.spt[0]: ', withTrigger(undefined)],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].method',
      withTrigger({ $case: 'method', value: 'publish' }),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].session_case',
      withTrigger({ $case: 'sessionCase', value: SessionCase.SESSION_CASE_UNSPECIFIED }),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].sip_header.content',
      withTrigger({ $case: 'sipHeader', value: { header: 'Event', content: '(' } }),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].request_uri',
      withTrigger({ $case: 'requestUri', value: '' }),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].session_description.line: ',
      withTrigger({ $case: 'sessionDescription', value: { line: '', content: '' } }),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].registration_types: ',
      withTrigger({ $case: 'method', value: 'PUBLISH' }, [RegistrationType.REGISTRATION_TYPE_INITIAL]),
    ],
    [
      'service_profile.initial_filter_criteria[0].trigger_point.spt[0].registration_types: ',
      withTrigger({ $case: 'method', value: 'REGISTER' }, [RegistrationType.REGISTRATION_TYPE_UNSPECIFIED]),
    ],
  ]
  for (const [expected, subscriber] of rows) {
    const problems = problemsOf(subscriber)
    assert.ok(
      problems.some((problem) => problem.startsWith(expected)),
      `${expected} not in ${JSON.stringify(problems)}`,
    )
  }
  assert.deepEqual(problemsOf(adminAlice()), [])
  assert.deepEqual(problemsOf(undefined), ['subscriber: is missing'])
})

test('all problems are listed at once, and none repeats a key', () => {
  const secret = Buffer.from('too short!!')
  const problems = problemsOf(
    changed((subscriber) => {
      subscriber.subscriptionId = ''
      firstIdentity(subscriber).k = secret
      firstIdentity(subscriber).opc = secret
      firstIdentity(subscriber).algorithm = Algorithm.ALGORITHM_TUAK
      profileOf(subscriber).publicIdentities = []
    }),
  )
  assert.ok(problems.length >= 6, String(problems))
  for (const text of [secret.toString(), secret.toString('hex'), secret.toString('base64')]) {
    assert.ok(!problems.join().includes(text))
  }
})

test('the same subscriber again is no error and creates nothing; another one with its id is', async () => {
  const { context, audited } = await createHss()
  assert.deepEqual(await addSubscriber(context, { subscriber: adminAlice() }), { created: true })
  assert.deepEqual(await addSubscriber(context, { subscriber: adminAlice() }), { created: false })
  const other = changed((subscriber) => {
    firstIdentity(subscriber).k = Buffer.alloc(16)
  })
  await assert.rejects(addSubscriber(context, { subscriber: other }), SubscriberExistsError)
  assert.deepEqual(
    audited.map(({ event, outcome, reason }) => `${event} ${outcome} ${reason}`),
    ['subscriber.changed allowed added', 'subscriber.changed allowed same-again', 'subscriber.changed refused exists'],
  )
})

test('a subscriber is shown by id, IMPI or IMPU, and its keys never are', async () => {
  const { context } = await createHss()
  await addSubscriber(context, { subscriber: adminAlice() })
  for (const key of ['alice', IMPI, ALICE, `${ALICE};user=phone`, 'tel:+1-555-0100']) {
    const response = await getSubscriber(context, { key })
    const { subscriber, serverName } = response
    assert.equal(subscriber?.subscriptionId, 'alice')
    assert.equal(serverName, '')
    assert.equal(subscriber.privateIdentities[0]?.k.length, 0)
    assert.equal(subscriber.privateIdentities[0]?.opc.length, 0)
    const shown = inspect(response, { depth: 9 })
    for (const secret of [K, OPC]) assert.ok(!shown.includes(secret.toString('hex').slice(0, 8)))
  }
  for (const key of ['bob', `sip:bob@${REALM}`, `bob@${REALM}`]) {
    await assert.rejects(getSubscriber(context, { key }), SubscriberUnknownError)
  }
})

test('subscribers are listed page by page, each once', async () => {
  const { context } = await createHss()
  for (let index = 0; index < 7; index++) {
    await context.repository.add(newSubscriber(`s${index}`, [`${index}@${REALM}`], [`sip:s${index}@${REALM}`]))
  }
  const seen: string[] = []
  let pages = 0
  for (let pageToken = ''; pages === 0 || pageToken !== ''; pages++) {
    const page = await listSubscribers(context, { pageSize: 3, pageToken })
    seen.push(...page.subscribers.map(({ subscriptionId }) => subscriptionId))
    assert.ok(page.subscribers.every(({ privateIdentities }) => privateIdentities.every(({ k }) => k.length === 0)))
    pageToken = page.nextPageToken
  }
  assert.equal(pages, 3)
  assert.deepEqual(seen.sort(), ['s0', 's1', 's2', 's3', 's4', 's5', 's6'])
  await assert.rejects(listSubscribers(context, { pageSize: 3, pageToken: 'impi.x' }), RequestInvalidError)
})

test('a page ends before a message would be too large', async () => {
  const { context } = await createHss()
  const allow = Array.from({ length: 900 }, (_, index) => `sip:watcher-number-${index}@${REALM}`)
  for (let index = 0; index < 13; index++) {
    const subscriber = newSubscriber(`s${index}`, [`${index}@${REALM}`], [`sip:s${index}@${REALM}`])
    await context.repository.add({ ...subscriber, presencePolicy: { defaultAllow: false, allow, block: [] } })
  }
  const page = await listSubscribers(context, { pageSize: 1_000, pageToken: '' })
  assert.ok(page.subscribers.length > 0 && page.subscribers.length < 13)
  const rest = await listSubscribers(context, { pageSize: 1_000, pageToken: page.nextPageToken })
  assert.equal(page.subscribers.length + rest.subscribers.length, 13)
  assert.equal(rest.nextPageToken, '')
})

const CALL = { remainingMs: 5_000 }

test('a subscriber can be removed once', async () => {
  const { context } = await createHss()
  await addSubscriber(context, { subscriber: adminAlice() })
  await removeSubscriber(context, { subscriptionId: 'alice' }, CALL)
  await assert.rejects(removeSubscriber(context, { subscriptionId: 'alice' }, CALL), SubscriberUnknownError)
  await assert.rejects(getSubscriber(context, { key: ALICE }), SubscriberUnknownError)
  assert.deepEqual(await addSubscriber(context, { subscriber: adminAlice() }), { created: true })
})
