# A release that never comes leaves no long hold: the second press counts, the first does not.
device 1 keyboard
settings collect keys=5
presence present 1
1 KEY_A 1
1 SYN_REPORT
wait 3000
tap 1 KEY_A 90
wait 100
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133

