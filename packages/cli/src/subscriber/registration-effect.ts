import { RegistrationEffect } from '@rollcall/proto-gen/admin'

/** What a change at the HSS has done to registrations, in a word for persons and programs. */
export function effectWord(effect: RegistrationEffect): string {
  switch (effect) {
    case RegistrationEffect.REGISTRATION_EFFECT_NONE:
      return 'none'
    case RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE:
      return 'told'
    default:
      return 'not told, counts at the next REGISTER'
  }
}
