import assert from 'node:assert/strict'
import test from 'node:test'
import { Algorithm } from '@rollcall/proto-gen/admin'
import { SessionCase } from '@rollcall/proto-gen/cx'
import { readSubscriber, writeSubscriber } from './profile-json.ts'

const K = '00112233445566778899aabbccddeeff'

function dave() {
  return {
    IMSSubscription: {
      SubscriptionID: 'dave',
      PrivateID: [{ Identity: '001010000000020@ims.example', Algorithm: 'milenage', K, OPc: K, AMF: '0000', SQN: 64 }],
      ServiceProfile: {
        PublicIdentity: [{ Identity: 'sip:dave@ims.example', BarringIndication: 0 }],
        InitialFilterCriteria: [
          {
            Priority: 10,
            TriggerPoint: {
              ConditionTypeCNF: 1,
              SPT: [
                { ConditionNegated: 0, Group: [0], Method: 'PUBLISH' },
                { ConditionNegated: 1, Group: [1], SIPHeader: { Header: 'Event', Content: '^presence$' } },
                { ConditionNegated: 0, Group: [2, 3], SessionCase: 4 },
                { ConditionNegated: 0, Group: [4], RequestURI: 'ims\\.example' },
                { ConditionNegated: 0, Group: [4], SessionDescription: { Line: 'm', Content: '^audio' } },
                { ConditionNegated: 0, Group: [5], Method: 'REGISTER', Extension: { RegistrationType: [0, 2] } },
              ],
            },
            ApplicationServer: {
              ServerName: 'sip:presence.ims.example;lr',
              DefaultHandling: 1,
              ServiceInfo: 'x',
              Extension: { IncludeRegisterRequest: 1, IncludeRegisterResponse: 1 },
            },
            ProfilePartIndicator: 1,
          },
        ],
      },
      PresencePolicy: { DefaultAllow: false, Allow: ['sip:alice@ims.example'], Block: [] },
    },
  }
}

test('reads a subscriber with the field names of the Cx user profile (TS 29.228 annex B)', () => {
  const { subscriber, problems } = readSubscriber(dave())
  assert.deepEqual(problems, [])
  assert.equal(subscriber.privateIdentities[0]?.k.toString('hex'), K)
  assert.equal(subscriber.privateIdentities[0]?.sqn, 64n)
  const triggers = subscriber.serviceProfile?.initialFilterCriteria[0]?.triggerPoint?.spt ?? []
  assert.deepEqual(triggers[2], {
    conditionNegated: false,
    group: [2, 3],
    registrationTypes: [],
    trigger: { $case: 'sessionCase', value: SessionCase.SESSION_CASE_ORIGINATING_CDIV },
  })
  assert.equal(triggers[1]?.conditionNegated, true)
})

test('what it writes reads back the same, but for the keys, which are not shown', () => {
  const { subscriber } = readSubscriber(dave())
  const shown = writeSubscriber(subscriber)
  assert.doesNotMatch(JSON.stringify(shown), new RegExp(K))
  const again = readSubscriber(shown)
  const path = 'IMSSubscription.PrivateID[0]'
  assert.deepEqual(again.problems, [`${path}.K: is missing`, `${path}.OPc: is missing`])
  assert.deepEqual(again.subscriber.serviceProfile, subscriber.serviceProfile)
  assert.deepEqual(again.subscriber.presencePolicy, subscriber.presencePolicy)
})

test('TUAK wants TOPc and a K of 128 or 256 bits (TS 35.231 clause 5)', () => {
  const read = (fields: Record<string, unknown>) => {
    const { Identity } = dave().IMSSubscription.PrivateID[0] ?? {}
    const json = { ...dave().IMSSubscription, PrivateID: [{ Identity, Algorithm: 'TUAK', ...fields }] }
    return readSubscriber({ IMSSubscription: json })
  }
  for (const octets of [16, 32]) {
    const { subscriber, problems } = read({ K: 'ab'.repeat(octets), TOPc: 'cd'.repeat(32) })
    assert.deepEqual(problems, [])
    const [identity] = subscriber.privateIdentities
    assert.deepEqual(
      [identity?.algorithm, identity?.k.length, identity?.opc.length, identity?.topc.length],
      [Algorithm.ALGORITHM_TUAK, octets, 0, 32],
    )
  }
  const path = 'IMSSubscription.PrivateID[0]'
  assert.deepEqual(read({ K: 'ab'.repeat(24) }).problems, [
    `${path}.K: must be 32 or 64 hexadecimal digits`,
    `${path}.TOPc: is missing`,
  ])
})

test('one object counts as a list of one, and true as 1, as in the XML form (TS 29.228 annex E)', () => {
  const json = dave().IMSSubscription
  const [privateId] = json.PrivateID
  const one = { ...json, PrivateID: privateId, ServiceProfile: [json.ServiceProfile] }
  assert.deepEqual(readSubscriber({ IMSSubscription: one }).problems, [])
})

test('tells every problem at once, by path and without values', () => {
  const json = {
    IMSSubscription: {
      SubscriptionID: 'x',
      PrivateID: [{ Identity: 'i', K: `${K}0`, Algorithm: 'xor' }],
      ServiceProfile: {
        PublicIdentity: [{ Identity: 7, Barred: 1 }],
        InitialFilterCriteria: [{ Priority: -1, TriggerPoint: { SPT: [{ Method: 'A', SessionCase: 9 }] } }],
      },
      PresencePolicy: { DefaultAllow: 'yes' },
    },
  }
  const { problems } = readSubscriber(json)
  assert.doesNotMatch(problems.join(), new RegExp(K))
  const criteria = 'IMSSubscription.ServiceProfile.InitialFilterCriteria[0]'
  assert.deepEqual(
    problems.toSorted(),
    [
      'IMSSubscription.PrivateID[0].K: must be 32 hexadecimal digits',
      'IMSSubscription.PrivateID[0].OPc: is missing',
      'IMSSubscription.PrivateID[0]: Algorithm must be milenage or tuak',
      'IMSSubscription.ServiceProfile.PublicIdentity[0].Barred: is unknown',
      'IMSSubscription.ServiceProfile.PublicIdentity[0].Identity: must be a text',
      `${criteria}.ApplicationServer: is missing`,
      `${criteria}.Priority: must be a whole number from 0 to 2147483647`,
      `${criteria}.TriggerPoint.ConditionTypeCNF: is missing`,
      `${criteria}.TriggerPoint.SPT[0]: must have one of Method, SessionCase, SIPHeader, RequestURI and SessionDescription`,
      'IMSSubscription.PresencePolicy.DefaultAllow: must be 0 or 1',
    ].toSorted(),
  )
})

test('what is no object at all is told so', () => {
  for (const json of [null, 1, [], 'x'])
    assert.equal(readSubscriber(json).problems[0], 'the document: must be an object')
})
