import {
  type ChargingVector,
  formatChargingVector,
  parseChargingFunctions,
  parseChargingVector,
  type SipHeaders,
  SipSyntaxError,
} from '@rollcall/sip'

/** What the home network says about charging with a registration: for records of ours, never for a UE. */
export interface RegistrationCharging {
  /** P-Charging-Function-Addresses, header field values. */
  readonly functions: readonly string[]
  /** The home network's name between operators; empty when it says none. */
  readonly termIoi: string
}

/**
 * Reads what a 200 to REGISTER says about charging. What cannot be read is left out: it changes nothing for the UE.
 *
 * @see TS 24.229 clause 5.2.2.2; RFC 7315 sections 4.5 and 4.6
 */
export function readRegistrationCharging(headers: SipHeaders): RegistrationCharging {
  const functions = headers.getAll('P-Charging-Function-Addresses').filter(isReadable)
  return { functions, termIoi: readVector(headers)?.termIoi ?? '' }
}

/**
 * The P-Charging-Vector of a response of the UE's: that of the request which the UE never saw, and our side's name.
 *
 * @see TS 24.229 clause 5.2.6.4.4
 */
export function answeredVector(request: SipHeaders, realm: string): string | undefined {
  const vector = readVector(request)
  return vector && formatChargingVector({ ...vector, termIoi: realm })
}

function readVector(headers: SipHeaders): ChargingVector | undefined {
  const value = headers.get('P-Charging-Vector')
  try {
    return value === undefined ? undefined : parseChargingVector(value)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

function isReadable(line: string): boolean {
  try {
    parseChargingFunctions([line])
    return true
  } catch (error) {
    if (error instanceof SipSyntaxError) return false
    throw error
  }
}
