import { ValidateBy, type ValidationArguments } from 'class-validator';

/**
 * The value must not be larger than that of another property; `label` names that one for people.
 */
export function AtMost(property: string, label: string): PropertyDecorator {
  return ValidateBy({
    name: 'atMost',
    validator: {
      validate: (value: unknown, context?: ValidationArguments) => {
        const other = (context?.object as Record<string, unknown> | undefined)?.[property];
        return typeof value !== 'number' || typeof other !== 'number' || value <= other;
      },
      defaultMessage: () => `must not be larger than ${label}`,
    },
  });
}
