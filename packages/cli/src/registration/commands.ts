import type { Command } from '../command/command.ts'
import { operatorOptions } from '../operator/options.ts'

const OPERATOR_OPTIONS = operatorOptions(
  "any replica's gRPC address of the S-CSCF (default: $ROLLCALL_SCSCF_TARGET, else 127.0.0.1:17002)",
)
const IMPI_OPTION = { value: 'IMPI', help: 'contacts of this private identity alone (default: of all)' } as const

export const registrationCommands: readonly Command[] = [
  {
    path: ['registration', 'list'],
    summary: 'list every contact that is bound',
    description: 'Lists who is registered, by which private identity, where, and until when: what all replicas have.',
    options: OPERATOR_OPTIONS,
    examples: ['rollcall registration list', 'rollcall registration list --json'],
    run: async (invocation) => (await import('./list.ts')).listRegistrations(invocation),
  },
  {
    path: ['registration', 'deregister'],
    operands: 'IMPU',
    operandsMin: 1,
    summary: 'end the registration of a user',
    description:
      'Ends the contacts of the implicit set that the identity belongs to. It returns when that is durable; the UE, its P-CSCF, the application servers and the HSS are told.',
    options: {
      as: {
        value: 'WORD',
        oneOf: ['deactivated', 'probation', 'rejected'],
        help: 'what the UE is told: it may register again at once, after a while, or not by itself (default: deactivated)',
      },
      'retry-after': { value: 'SECONDS', help: 'with --as probation: how long it is to wait (default: 60)' },
      impi: IMPI_OPTION,
      ...OPERATOR_OPTIONS,
    },
    examples: [
      'rollcall registration deregister sip:alice@DOMAIN',
      'rollcall registration deregister tel:+15550100 --as probation --retry-after 300',
    ],
    run: async (invocation) => (await import('./deregister.ts')).deregister(invocation),
  },
  {
    path: ['registration', 'reauthenticate'],
    operands: 'IMPU',
    operandsMin: 1,
    summary: 'make the UEs of a user authenticate anew',
    description:
      'Shortens the contacts of a user and tells the UEs, which re-register and are challenged. A UE that does not ends with its contact.',
    options: {
      within: { value: 'SECONDS', help: 'what is left of the contacts (default: 60)' },
      impi: IMPI_OPTION,
      ...OPERATOR_OPTIONS,
    },
    examples: ['rollcall registration reauthenticate sip:alice@DOMAIN --within 120'],
    run: async (invocation) => (await import('./reauthenticate.ts')).reauthenticate(invocation),
  },
]
