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
]
