import type { Command } from '../command/command.ts'
import { operatorOptions } from '../operator/options.ts'

const OPERATOR_OPTIONS = operatorOptions("the HSS's gRPC address (default: $ROLLCALL_HSS_TARGET, else 127.0.0.1:17001)")

const FORM = `The file is JSON with the field names of the Cx user profile (TS 29.228 annexes B and E); RequestURI is the fourth kind of SPT, Group and ConditionNegated may be left out, SQN (default 32) and AMF (default "0000") too:
  {
    "IMSSubscription": {
      "SubscriptionID": "dave",
      "PrivateID": [
        { "Identity": "001010000000020@DOMAIN", "Algorithm": "milenage", "K": "32 hex digits", "OPc": "32 hex digits" }
      ],
      "ServiceProfile": {
        "PublicIdentity": [{ "Identity": "sip:dave@DOMAIN", "BarringIndication": 0 }],
        "InitialFilterCriteria": [
          {
            "Priority": 10,
            "TriggerPoint": {
              "ConditionTypeCNF": 1,
              "SPT": [
                { "ConditionNegated": 0, "Group": [0], "Method": "PUBLISH" },
                { "ConditionNegated": 0, "Group": [1], "SIPHeader": { "Header": "Event", "Content": "^presence$" } },
                { "ConditionNegated": 0, "Group": [2], "SessionCase": 0 }
              ]
            },
            "ApplicationServer": { "ServerName": "sip:presence.DOMAIN;lr", "DefaultHandling": 1 }
          }
        ]
      },
      "PresencePolicy": { "DefaultAllow": false, "Allow": ["sip:alice@DOMAIN"], "Block": [] }
    }
  }`

export const subscriberCommands: readonly Command[] = [
  {
    path: ['subscriber', 'add'],
    summary: 'provision a subscriber from a file',
    description: `Provisions a subscriber. The very same one again changes nothing and is no error.\n${FORM}`,
    options: { file: { value: 'FILE', help: 'the subscriber, as JSON; - reads standard input' }, ...OPERATOR_OPTIONS },
    examples: ['rollcall subscriber add --file dave.json', 'rollcall subscriber add --file - < dave.json'],
    run: async (invocation) => (await import('./add.ts')).addSubscriber(invocation),
  },
  {
    path: ['subscriber', 'show'],
    operands: 'KEY',
    operandsMin: 1,
    summary: 'show a subscriber by subscription id, IMPI or IMPU',
    description: 'Shows a subscriber in the form that add takes, without keys, and which S-CSCF serves it.',
    options: OPERATOR_OPTIONS,
    examples: ['rollcall subscriber show alice', 'rollcall subscriber show tel:+15550101 --json'],
    run: async (invocation) => (await import('./show.ts')).showSubscriber(invocation),
  },
  {
    path: ['subscriber', 'list'],
    summary: 'list all subscribers',
    description: 'Lists subscription id, private and public identities of every subscriber.',
    options: OPERATOR_OPTIONS,
    examples: ['rollcall subscriber list', 'rollcall subscriber list --json'],
    run: async (invocation) => (await import('./list.ts')).listSubscribers(invocation),
  },
  {
    path: ['subscriber', 'policy'],
    operands: 'IMPU',
    operandsMin: 1,
    summary: 'say who may watch a presentity',
    description:
      'Replaces the presence policy of a presentity, whole: a blocked identity wins over an allowed one, and both over the default. It returns when the policy is in force: from then on nobody whom it blocks is told anything. When it cannot be sure of that in time it fails, and says that the policy is stored; the same command again goes on from there.',
    options: {
      default: { value: 'WORD', oneOf: ['allow', 'block'], help: 'for watchers in neither list (default: block)' },
      allow: { value: 'IMPU', isList: true, help: 'a watcher who may; may come several times' },
      block: { value: 'IMPU', isList: true, help: 'a watcher who may not; may come several times' },
      ...OPERATOR_OPTIONS,
    },
    examples: [
      'rollcall subscriber policy sip:alice@DOMAIN --default allow --block sip:mallory@DOMAIN',
      'rollcall subscriber policy tel:+15550101 --allow sip:alice@DOMAIN',
    ],
    run: async (invocation) => (await import('./policy.ts')).setPresencePolicy(invocation),
  },
  {
    path: ['subscriber', 'profile'],
    summary: 'give a subscriber another service profile',
    description:
      'Replaces the service profile (identities, bars, filter criteria) of the subscriber that the file names; the first sip: identity must stay. Keys and policy in the file are not looked at. What is registered gets the new profile at once; when an identity may not be used any more, the UEs are made to register again.',
    options: {
      file: { value: 'FILE', help: 'the subscriber, in the form that add takes; - reads standard input' },
      ...OPERATOR_OPTIONS,
    },
    examples: ['rollcall subscriber profile --file dave.json'],
    run: async (invocation) => (await import('./profile.ts')).setServiceProfile(invocation),
  },
  {
    path: ['subscriber', 'remove'],
    operands: 'ID',
    operandsMin: 1,
    summary: 'remove a subscriber by subscription id',
    description:
      'Removes a subscriber and ends its registrations: the UEs are told not to come again. It says so when no S-CSCF could be told; then a registration runs out, or is refused when it is refreshed.',
    options: OPERATOR_OPTIONS,
    examples: ['rollcall subscriber remove dave'],
    run: async (invocation) => (await import('./remove.ts')).removeSubscriber(invocation),
  },
  {
    path: ['subscriber', 'password', 'set'],
    operands: 'IMPI',
    operandsMin: 1,
    summary: 'give a subscriber a password for HTTP and SIP Digest',
    description:
      'For UEs without bootstrapping (TS 33.141 clause 5.1.4) and for watchers whom the Presence Server challenges (RFC 8760). The HSS keeps hashes of it, sealed. The password is the first line of the file.',
    options: {
      realm: { value: 'REALM', help: 'the realm of the server that asks for it, as in its challenge' },
      file: { value: 'FILE', help: 'the password; - reads standard input' },
      ...OPERATOR_OPTIONS,
    },
    examples: ['rollcall subscriber password set 001010000000004@DOMAIN --realm DOMAIN --file - < password'],
    run: async (invocation) => (await import('./password.ts')).setPassword(invocation),
  },
  {
    path: ['subscriber', 'password', 'remove'],
    operands: 'IMPI',
    operandsMin: 1,
    summary: 'take the password of a realm away',
    description: 'From then on nobody gets in with it.',
    options: {
      realm: { value: 'REALM', help: 'the realm of the server that asks for it' },
      ...OPERATOR_OPTIONS,
    },
    examples: ['rollcall subscriber password remove 001010000000004@DOMAIN --realm DOMAIN'],
    run: async (invocation) => (await import('./password.ts')).removePassword(invocation),
  },
  {
    path: ['subscriber', 'guss', 'show'],
    operands: 'IMPI',
    operandsMin: 1,
    summary: "show a subscriber's GBA user security settings",
    description:
      'Shows what the BSF is told of the user: how long a key lives, and which identities count at which NAFs.',
    options: OPERATOR_OPTIONS,
    examples: ['rollcall subscriber guss show 001010000000009@DOMAIN'],
    run: async (invocation) => (await import('./guss.ts')).showGuss(invocation),
  },
  {
    path: ['subscriber', 'guss', 'set'],
    operands: 'IMPI',
    operandsMin: 1,
    summary: "replace a subscriber's GBA user security settings",
    description: `Replaces them whole; they count from the next bootstrapping on. The file is JSON as guss show writes it (id: GAA service identifier, 2 Authentication Proxy, 3 presence; type: the same unless it is given):
  { "lifeTime": 3600, "ussList": [{ "id": 3, "uids": ["sip:alice@DOMAIN"], "nafGroup": "", "flags": [1] }] }`,
    options: {
      file: { value: 'FILE', help: 'the settings, as JSON; - reads standard input' },
      default: { help: "the ones made from the user's identities again" },
      ...OPERATOR_OPTIONS,
    },
    examples: ['rollcall subscriber guss set 001010000000009@DOMAIN --file guss.json'],
    run: async (invocation) => (await import('./guss.ts')).setGuss(invocation),
  },
]
