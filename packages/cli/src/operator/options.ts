import type { OptionTable } from '../command/options.ts'
import { DATA_DIR_OPTION } from '../data-dir.ts'

/** Options of every command that calls a service as its operator; `where` says which address `--target` is. */
export function operatorOptions(where: string): OptionTable {
  return {
    target: { value: 'HOST:PORT', help: where },
    'tls-cert': { value: 'FILE', help: "certificate of the role operator (default: the local stack's)" },
    'tls-key': { value: 'FILE', help: 'its private key' },
    'tls-ca': { value: 'FILE', help: 'authorities of the trust domain' },
    'trust-domain': { value: 'NAME', help: 'the trust domain (default: $ROLLCALL_TRUST_DOMAIN, else rollcall.test)' },
    'data-dir': DATA_DIR_OPTION,
    json: { help: 'write one JSON object a line' },
    help: { help: 'show this help' },
  }
}
