DROP INDEX `codes_issuer`;
