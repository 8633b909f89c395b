-- loses data: table group_permissions, table groups, table memberships, table sessions, table users
DROP TABLE `group_permissions`;--> statement-breakpoint
DROP TABLE `groups`;--> statement-breakpoint
DROP TABLE `memberships`;--> statement-breakpoint
DROP TABLE `sessions`;--> statement-breakpoint
DROP TABLE `users`;
