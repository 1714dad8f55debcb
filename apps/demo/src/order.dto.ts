import { IsInt, IsUUID, Max, MaxLength, Min, MinLength, IsString } from 'class-validator';

/** What a customer sends. */
export class OrderDto {
  /** Chosen by whoever orders, so that an order that is sent again is the same order. */
  @IsUUID()
  id!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(100)
  customer!: string;

  @IsInt()
  @Min(1)
  @Max(1_000_000)
  cents!: number;
}
