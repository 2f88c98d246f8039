import { RollcallError } from '@rollcall/core'

/** Half of a pair is there: a certificate without its key, or the reverse. Nothing is made up for what is lost. */
export class TrustDomainIncompleteError extends RollcallError {
  override readonly name = 'TrustDomainIncompleteError'
  readonly code = 'PKI_INCOMPLETE'
  readonly missing: string
  constructor(missing: string) {
    super(`${missing} is missing beside its other half; restore it, or remove both to have new ones made`)
    this.missing = missing
  }
}

/** What a certificate was asked for cannot stand in one. */
export class InvalidLeafError extends RollcallError {
  override readonly name = 'InvalidLeafError'
  readonly code = 'PKI_INVALID_LEAF'
  readonly field: 'name' | 'role' | 'trustDomain' | 'dnsNames' | 'ipAddresses' | 'uris'
  readonly value: string
  constructor(field: InvalidLeafError['field'], value: string) {
    super(`${JSON.stringify(value)} cannot be used as ${field} of a certificate`)
    this.field = field
    this.value = value
  }
}
